#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace maie::llm {

/// Turns the bytes of an answer's tokens into text as they come: whole characters (bytes that are
/// no UTF-8 become U+FFFD), what stands between <think> and </think> apart, and an end before the
/// first stop string, wherever tokens cut it. One thread at a time.
class TextStream {
 public:
  struct Options {
    std::vector<std::string> stops;  ///< none empty; looked for in the text, not in the thinking
    bool splits_thinking = false;    ///< a text that begins with <think> has a part of thinking
    bool starts_thinking = false;    ///< the prompt ended with <think>
    std::function<void(std::string_view)> on_text = nullptr;  ///< gets the text, not the thinking
  };
  explicit TextStream(Options options);

  /// Adds bytes. False once a stop string was met: the text is complete, further bytes are ignored.
  bool push(std::string_view bytes);
  /// No more will come: gives what was held back.
  void finish();

  const std::string& text() const { return text_; }
  const std::string& thinking() const { return thinking_; }
  bool stopped() const { return part_ == Part::kStopped; }

 private:
  enum class Part { kStart, kThinking, kAfterThinking, kText, kStopped };
  void advance(bool last);
  bool advance_start(bool last);
  bool advance_thinking(bool last);
  bool advance_after(bool last);
  void advance_text(bool last);
  void emit(size_t count);

  Options options_;
  Part part_;
  std::string bytes_;  // of a character that is not whole yet
  std::string held_;   // whole characters that may be the beginning of a tag or a stop string
  std::string text_, thinking_;
};

/// How many bytes at the end of `bytes` are the beginning of a character that may still become
/// whole.
size_t incomplete_utf8(std::string_view bytes);

}  // namespace maie::llm
