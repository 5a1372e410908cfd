#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "base/cancel.h"
#include "llm/network.h"
#include "llm/page_pool.h"
#include "llm/prefix_cache.h"
#include "llm/prefix_store.h"
#include "llm/sequence.h"

namespace maie::llm {

struct EngineOptions {
  int slots = 4;        ///< requests served at the same time
  int64_t chunk = 128;  ///< tokens of a prompt read as one; prompts are cut at its multiples
  bool prefix_cache = true;
  PrefixStore* store = nullptr;  ///< where beginnings are kept on disk; outlives the engine
};

/// Serves requests from any thread on one network: a thread of its own reads their prompts chunk by
/// chunk and writes their answers, all that are there in one pass.
///
/// What a request gets depends on the request alone: prompts are cut at fixed places, the rows of
/// an answer keep within ops::kExactRows, and a pass gives each row the bits it has alone. Neither
/// company, nor cached beginnings, nor guesses change a token.
class Engine {
 public:
  /// @param network  outlives the engine, and is used by its thread only.
  Engine(Network& network, const EngineOptions& options);
  ~Engine();
  /// Takes no more requests, waits for the pass under way, and fails those still there with
  /// kUnavailable. Once is enough.
  void close();

  /// Answers a request. Waits for a slot and for pages, first come first served.
  /// @param cancel  polled every few milliseconds, also while a pass runs; may be null.
  /// @param stall_limit_s  fails with kUnavailable when so long nothing comes; while it waits for
  ///   its turn, nothing for anybody.
  /// @return kInvalidInput for what would never fit the cache.
  Result<TokenAnswer> run(TokenRequest request, const CancelToken* cancel, double stall_limit_s);

  uint64_t passes() const { return passes_; }

 private:
  struct Part {  // of a pass
    Sequence* sequence;
    int64_t rows = 0;  // without those of the draft
    int64_t first_wanted = 0, wanted = 0;
  };
  struct Pass {
    std::vector<int> tokens;
    std::vector<ops::SequenceRows> entries;
    std::vector<int> wanted;
    std::vector<Part> parts;
  };
  void work();
  void admit();
  bool give_pages(Sequence& sequence);
  std::span<const int32_t> recurring(const Sequence& sequence) const;
  void restore(Sequence& sequence);
  Pass plan();
  void plan_answer(Sequence& sequence, size_t draft_room, Pass& pass);
  void plan_prompts(int64_t budget, Pass& pass);
  int64_t plan_chunk(Part& part, int64_t budget, Pass& pass) const;
  void take_cached(Sequence& sequence);
  bool is_read_by_another(const Sequence& sequence, int64_t from, const Pass& pass) const;
  void execute(Pass& pass);
  Status settle(const Part& part);
  void keep_prompt(Sequence& sequence);
  void store_prompt(const Sequence& sequence);
  void release(Sequence& sequence, Result<TokenAnswer> result);
  void sweep();
  void fail_all(const Status& status);

  Network& network_;
  const EngineOptions options_;
  // Used by the engine's thread only.
  PagePool pool_;
  PrefixCache cache_;
  std::vector<std::unique_ptr<Sequence>> active_;
  std::unique_ptr<Sequence> next_;  // waits for pages
  size_t turn_ = 0;
  OwnedTensor logits_;

  std::atomic<uint64_t> passes_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> waiting_;
  bool closing_ = false;
  std::thread thread_;  // last, so that all else is there when it starts
};

}  // namespace maie::llm
