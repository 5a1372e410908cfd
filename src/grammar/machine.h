#pragma once

#include <vector>

#include "grammar/grammar.h"

namespace maie::grammar {

/// Where one reading of a document stands inside one node. The frames from here to the root are
/// the stack.
struct Frame {
  uint32_t parent = 0;  ///< index of the frame to go back to; 0 is the end of the document
  uint32_t node = 0;
  uint32_t state =
      0;  ///< kBytes: its state; kString: of its automaton; kArray: 0 [ 1 first 2 after
  uint32_t count = 0;  ///< code points or items so far
  uint32_t lex = 0;    ///< kString: where inside a character (json_string.h)
  uint32_t depth = 0;
  uint64_t need = UINT64_MAX;  ///< a bound on tokens to the end of the document, once asked for
};

/// The readings of what was written so far that are still possible: tops of stacks. Several only
/// while alternatives have not yet told themselves apart; frame 0 means "complete here".
using Tops = std::vector<uint32_t>;

/// Steps a grammar byte by byte. Frames are only ever appended, so forgetting is cutting: going
/// back means truncating to an earlier size. One thread at a time.
class Machine {
 public:
  explicit Machine(const Grammar& grammar);

  /// The readings before the first byte.
  Tops start();
  /// The readings after one more byte; empty when none is left. `out` must not be `from`.
  void step(const Tops& from, uint8_t byte, Tops& out);

  const std::vector<Frame>& frames() const { return frames_; }
  Frame& frame(uint32_t id) { return frames_[id]; }
  size_t size() const { return frames_.size(); }
  void truncate(size_t size) { frames_.resize(size); }
  const Grammar& grammar() const { return grammar_; }

  static bool complete(const Tops& tops);

 private:
  uint32_t add(const Frame& frame);
  void push(uint32_t node, uint32_t parent, Tops& out);
  void settle(const Frame& frame, int64_t known, Tops& out);
  void pop(uint32_t parent, Tops& out);
  void step_frame(Frame frame, uint8_t byte, Tops& out);

  const Grammar& grammar_;
  const std::vector<Node>& nodes_;
  std::vector<Frame> frames_;
};

/// Readings kept side by side at most; the rest, if a schema is that ambiguous, are dropped, which
/// can only forbid texts, never allow wrong ones.
inline constexpr size_t kMaxTops = 64;

}  // namespace maie::grammar
