#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maie::llm {

/// How tokens are spelt, for LookUp.
struct Spelling {
  std::function<std::string_view(int32_t token)> bytes;
  std::function<std::vector<int32_t>(const std::string& text)> encode;
};

/// Guesses what comes next by looking up how the text went on when its last tokens stood before, in
/// the prompt or in the answer (prompt look-up, docs/spec/models.md 9.5).
///
/// An answer that copies, as the clean version of a transcript does, is followed by its letters:
/// marks and capitals put in do not lose the place. What is guessed is then written as the answer
/// writes: with a capital behind the end of a sentence, and words as they were written last.
/// Guesses change how fast a text comes, never which. One thread at a time.
class LookUp {
 public:
  /// @param most  tokens guessed at a time.
  LookUp(std::span<const int32_t> prompt, Spelling spelling, size_t most);

  /// The token that came.
  void push(int32_t token);
  /// At most `room` tokens that may come next; none where nothing is known, or where guessing has
  /// not paid lately.
  std::vector<int32_t> propose(size_t room);
  /// What became of the last proposal; longer guesses after success, fewer after failure.
  void judge(size_t proposed, size_t accepted);

 private:
  static constexpr size_t kNowhere = SIZE_MAX;
  std::string letters(int32_t token) const;
  void follow(const std::string& written);
  void note_words(std::string_view bytes);
  void find();
  bool find_letters();
  std::string text_from_source(size_t count) const;
  std::string as_written(const std::string& text) const;

  Spelling spelling_;
  std::vector<int32_t> text_;  // prompt and answer
  const size_t prompt_size_;
  size_t most_;
  size_t length_;             // of the next guess
  size_t failures_ = 0;       // in a row
  size_t pause_ = 0;          // steps without a guess
  size_t source_ = kNowhere;  // in text_: the answer copies from here,
  size_t used_ = 0;           // behind so many bytes of that token's letters

  std::string source_letters_;       // of the whole prompt
  std::vector<uint32_t> letter_of_;  // token of each of these bytes
  std::string recent_;               // last letters of the answer
  size_t searched_ = 0;              // in source_letters_: where the last search ended

  std::string word_;  // of the answer, not yet at its end
  bool word_begins_sentence_ = true;
  bool sentence_ended_ = true;
  std::map<std::string, std::string> forms_;  // words by their letters in lower case
};

/// The letters and digits of a text in lower case. Bytes that are no whole characters stay as they
/// are.
std::string letters_of(std::string_view text);

}  // namespace maie::llm
