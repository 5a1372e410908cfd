#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace maie::text {

/// Cuts text at the matches of a regular expression: each match is a piece, and so is each stretch
/// between two matches (what Hugging Face calls "Isolated"). Immutable after compile, any thread.
class RegexSplitter {
 public:
  /// `\s` and `\S` mean Unicode White_Space, `\p{..}` Unicode classes. kUnsupported for escapes
  /// whose meaning differs between the engine such patterns are written for and ours (`\w`, `\b`,
  /// `\h`).
  static Result<RegexSplitter> compile(std::string_view pattern);

  /// Appends the pieces of `text`, views into it, in order and without gaps.
  /// @param text  valid UTF-8; the caller has repaired it.
  /// kResourceExhausted when the pattern backtracks without end on this text.
  Status split(std::string_view text, std::vector<std::string_view>& pieces) const;

 private:
  struct Code;
  explicit RegexSplitter(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  std::shared_ptr<const Code> code_;
};

}  // namespace maie::text
