#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace maie::llm {

/// Guesses what comes next by looking up how the text went on when its last tokens stood before, in
/// the prompt or in the answer (prompt look-up, docs/spec/models.md 9.5). While an answer copies,
/// as the clean version of a transcript does, the place in the source is followed by letters: a
/// capital or a comma put in does not lose it. Guesses change how fast a text comes, never which.
/// One thread at a time.
class LookUp {
 public:
  /// The letters and digits of a token in lower case; empty for punctuation and space.
  using Letters = std::function<std::string(int32_t token)>;

  /// @param most  tokens guessed at a time.
  LookUp(std::span<const int32_t> prompt, Letters letters, size_t most);

  /// The token that came.
  void push(int32_t token);
  /// At most `room` tokens that may come next; none where nothing is known, or where guessing has
  /// not paid lately.
  std::vector<int32_t> propose(size_t room);
  /// What became of the last proposal; longer guesses after success, fewer after failure.
  void judge(size_t proposed, size_t accepted);

 private:
  static constexpr size_t kNowhere = SIZE_MAX;
  void follow(int32_t token);
  size_t find() const;

  std::vector<int32_t> text_;  // prompt and answer
  Letters letters_;
  size_t most_;
  size_t length_;             // of the next guess
  size_t failures_ = 0;       // in a row
  size_t pause_ = 0;          // steps without a guess
  size_t source_ = kNowhere;  // in text_: the answer copies from here
  std::string owed_;          // letters written that the source still has to show
};

}  // namespace maie::llm
