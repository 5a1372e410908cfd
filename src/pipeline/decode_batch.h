#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/cancel.h"
#include "models/whisper/model.h"
#include "search/fallback.h"
#include "search/window_search.h"

namespace maie::pipeline {

/// Hands out cells of the decoder cache. A cell is shared by every hypothesis whose past runs
/// through it and comes back when the last of them is gone.
class CellPool {
 public:
  explicit CellPool(int64_t cells) : references_(static_cast<size_t>(cells), 0) {}

  /// A cell with one reference. The lowest ones are reused first, so little memory is ever touched.
  int32_t take();
  void share(std::span<const int32_t> cells);
  void release(std::span<const int32_t> cells);

 private:
  std::vector<uint16_t> references_;
  std::vector<int32_t> free_;
  int32_t fresh_ = 0;
};

/// One encoded window on its way through the temperature ladder.
struct WindowJob {
  size_t index = 0;  ///< the caller's number
  std::vector<int> prompt;
  std::unique_ptr<whisper::Window> window;
  uint64_t seed = 0;
};

/// What came of it. The cross caches come back for alignment and reuse.
struct WindowOutcome {
  size_t index = 0;
  std::vector<int> prompt;
  std::unique_ptr<whisper::Window> window;
  search::Outcome decoded;
  double temperature = 0;  ///< of the last attempt (which need not be the chosen one)
  double compression_ratio = 0;
  bool failed_gates = false;  ///< no temperature passed; this is the least bad attempt
};

struct BatchOptions {
  search::TokenIds ids;
  search::SearchOptions search;  ///< temperature and seed are set for each attempt
  std::vector<double> temperatures = {0.0};
  search::Gates gates;
  /// Length of text over its compressed length; given the text tokens of an attempt.
  std::function<double(std::span<const int>)> compression_ratio;
};

/// Decodes windows together: every pass of the network serves all of them, whatever their stage. A
/// window joins with its prompt while others are in the middle of their text, and leaves when it is
/// done; one that fails its gate starts again at the next temperature. Outcomes do not depend on
/// what else is in the batch. One thread at a time.
class DecodeBatch {
 public:
  DecodeBatch(whisper::Model& model, ThreadPool& threads, const BatchOptions& options);
  ~DecodeBatch();

  void add(WindowJob job);
  size_t size() const { return active_.size(); }

  /// One pass of the network over all windows. Returns those that are done with it.
  Result<std::vector<WindowOutcome>> step();

 private:
  struct Active;
  void collect_rows(Active& active);
  std::optional<WindowOutcome> conclude(Active& active);
  void start_attempt(Active& active);

  whisper::Model& model_;
  ThreadPool& threads_;
  const BatchOptions& options_;
  CellPool cells_;
  std::vector<std::unique_ptr<Active>> active_;
  std::vector<whisper::DecoderRow> rows_;  // of the pass being put together
  std::vector<int> wanted_;
  OwnedTensor logits_;
};

}  // namespace maie::pipeline
