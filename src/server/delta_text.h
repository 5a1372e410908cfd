#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace maie::server {

/// A text that comes in pieces, as deltas that are never taken back: put together they are the
/// whole text, byte for byte, and none ends within a character. One thread at a time.
class DeltaText {
 public:
  enum class Ends { kKept, kStripped };
  /// @param ends  whether white space at the ends belongs to the text
  explicit DeltaText(Ends ends) : ends_(ends) {}

  /// What can be sent once `piece` is known: perhaps nothing yet, as white space that may turn out
  /// to be the end is held back. nullopt when, after a restart, the text is another one.
  std::optional<std::string> add(std::string_view piece);
  /// The pieces come again from the first one; what was sent stays sent.
  void restart();
  /// What is missing to `whole`, the complete text; nullopt when what was sent is no part of it.
  std::optional<std::string> finish(std::string_view whole);

  const std::string& sent() const { return sent_; }

 private:
  Ends ends_;
  std::string text_;  // of this run, as far as it is certain
  std::string held_;  // behind it: white space, and a character that is not whole
  std::string sent_;
};

}  // namespace maie::server
