#include "llm/look_up.h"

#include <algorithm>

#include "llm/text_stream.h"
#include "prompt/letter_case.h"
#include "text/utf8.h"

namespace maie::llm {
namespace {

constexpr size_t kFirstLength = 4;
constexpr size_t kLongestMatch = 4;
constexpr size_t kShortestMatch = 2;
constexpr size_t kLongestPause = 16;
constexpr size_t kSkipped = 4;  // tokens without letters that a source may have and the answer not
// Letters (in bytes) that must agree for a place to be taken for the source.
constexpr size_t kLeastLetters = 6;
constexpr size_t kMostLetters = 16;
constexpr size_t kMostWords = 4096;  // whose spelling is remembered

bool is_letter(char32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool mark = c < 0xC0 || (c >= 0x2000 && c < 0x2070) || (c >= 0x3000 && c < 0x3040);
  return !mark && !text::is_white_space(c);
}

bool is_whole(std::string_view bytes) {
  return bytes.empty() || ((uint8_t(bytes.front()) & 0xC0) != 0x80 && incomplete_utf8(bytes) == 0);
}

bool ends_sentence(char32_t c) { return c == '.' || c == '?' || c == '!' || c == '\n'; }

}  // namespace

std::string letters_of(std::string_view text) {
  if (!is_whole(text)) return std::string(text);
  std::string letters;
  for (const char32_t c : text::decode_utf8(text)) {
    if (is_letter(c)) prompt::append_lower(letters, c);
  }
  return letters;
}

LookUp::LookUp(std::span<const int32_t> prompt, Spelling spelling, size_t most)
    : spelling_(std::move(spelling)),
      text_(prompt.begin(), prompt.end()),
      prompt_size_(prompt.size()),
      most_(most),
      length_(std::min(kFirstLength, most)) {
  for (size_t i = 0; i < prompt.size(); ++i) {
    source_letters_ += letters(prompt[i]);
    letter_of_.resize(source_letters_.size(), uint32_t(i));
  }
}

std::string LookUp::letters(int32_t token) const { return letters_of(spelling_.bytes(token)); }

void LookUp::push(int32_t token) {
  const std::string written = letters(token);
  if (source_ != kNowhere) {
    if (used_ == 0 && source_ < text_.size() && text_[source_] == token) {
      ++source_;
    } else {
      follow(written);
    }
  }
  text_.push_back(token);
  recent_ += written;
  if (recent_.size() > kMostLetters) recent_.erase(0, recent_.size() - kMostLetters);
  note_words(spelling_.bytes(token));
  if (pause_ > 0) --pause_;
}

// Moves the source over the letters that were written; away from it when it has others.
void LookUp::follow(const std::string& written) {
  std::string_view owed = written;
  size_t at = source_, used = used_, skipped = 0;
  while (!owed.empty() && at < text_.size()) {
    const std::string all = letters(text_[at]);
    const std::string_view next = std::string_view(all).substr(std::min(used, all.size()));
    if (owed.starts_with(next)) {
      if (next.empty() && ++skipped > kSkipped) break;
      owed.remove_prefix(next.size());
      ++at;
      used = 0;
    } else if (next.starts_with(owed)) {
      used += owed.size();
      owed = {};
    } else {
      break;
    }
  }
  source_ = owed.empty() ? at : kNowhere;
  used_ = owed.empty() ? used : 0;
}

// Remembers how words are written, but for the capitals of sentences.
void LookUp::note_words(std::string_view bytes) {
  if (!is_whole(bytes)) {
    word_ += bytes;
    return;
  }
  for (const char32_t c : text::decode_utf8(bytes)) {
    if (is_letter(c)) {
      if (word_.empty()) word_begins_sentence_ = sentence_ended_;
      text::append_utf8(word_, c);
      sentence_ended_ = false;
      continue;
    }
    if (!word_.empty() && !word_begins_sentence_ && forms_.size() < kMostWords) {
      forms_[letters_of(word_)] = word_;
    }
    word_.clear();
    if (ends_sentence(c)) sentence_ended_ = true;
  }
}

// Where the longest end of the text stood before; of several the first one, as answers tend to go
// through their source from front to back.
void LookUp::find() {
  for (size_t n = kLongestMatch; n >= kShortestMatch; --n) {
    if (text_.size() <= n) continue;
    const auto end = text_.end() - std::ptrdiff_t(n);
    const auto found = std::search(text_.begin(), text_.end() - 1, end, text_.end());
    if (found == text_.end() - 1) continue;
    source_ = size_t(found - text_.begin()) + n;
    used_ = 0;
    return;
  }
}

// The same by letters, in the prompt: from where the last search ended, then from its beginning.
bool LookUp::find_letters() {
  size_t size = recent_.size(), found = std::string::npos;
  for (; size >= kLeastLetters && found == std::string::npos; size = size * 3 / 4) {
    const std::string_view end = std::string_view(recent_).substr(recent_.size() - size);
    found = source_letters_.find(end, searched_);
    if (found == std::string::npos) found = source_letters_.find(end);
    if (found != std::string::npos) break;
  }
  if (found == std::string::npos) return false;
  searched_ = found + size;
  source_ = letter_of_[searched_ - 1];
  size_t first = searched_ - 1;
  while (first > 0 && letter_of_[first - 1] == source_) --first;
  used_ = searched_ - first;
  if (searched_ == letter_of_.size() || letter_of_[searched_] != source_) {
    ++source_;
    used_ = 0;
  }
  return true;
}

// The bytes of `count` tokens of the source, behind the letters that are used.
std::string LookUp::text_from_source(size_t count) const {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += spelling_.bytes(text_[source_ + i]);
  if (used_ == 0) return text;
  const std::string_view first = spelling_.bytes(text_[source_]);
  if (!is_whole(first)) return text.substr(std::min(used_, first.size()));
  std::string letters;
  size_t bytes = 0;
  for (const char32_t c : text::decode_utf8(first)) {
    if (letters.size() >= used_) break;
    std::string one;
    text::append_utf8(one, c);
    bytes += one.size();
    letters += letters_of(one);
  }
  return text.substr(std::min(bytes, text.size()));
}

// A text of the source with the capitals that the answer would give it.
std::string LookUp::as_written(const std::string& text) const {
  if (!is_whole(text) || text::repair_utf8(text) != text) return text;
  std::string out;
  std::u32string word;
  bool sentence = sentence_ended_, begun = word_.empty();
  const auto end_word = [&] {
    std::string plain = text::encode_utf8(word);
    const auto form = forms_.find(letters_of(plain));
    if (!begun) {
      out += plain;  // the rest of a word whose beginning is written
    } else if (form != forms_.end()) {
      out += form->second;
    } else if (sentence && !word.empty()) {
      prompt::append_title(out, word.front());
      out += text::encode_utf8(std::u32string_view(word).substr(1));
    } else {
      out += plain;
    }
    if (!word.empty()) sentence = false;
    begun = true;
    word.clear();
  };
  for (const char32_t c : text::decode_utf8(text)) {
    if (is_letter(c)) {
      word += c;
      continue;
    }
    end_word();
    text::append_utf8(out, c);
    if (ends_sentence(c)) sentence = true;
  }
  end_word();
  return out;
}

std::vector<int32_t> LookUp::propose(size_t room) {
  if (source_ == kNowhere) {
    if (pause_ > 0) return {};
    if (!find_letters()) find();
  }
  if (source_ >= text_.size()) {
    source_ = kNowhere;
    return {};
  }
  const size_t end = source_ < prompt_size_ ? prompt_size_ : text_.size();
  const size_t count = std::min(length_, end - source_);
  const auto first = text_.begin() + std::ptrdiff_t(source_);
  std::vector<int32_t> guess(first, first + std::ptrdiff_t(count));
  const std::string plain = text_from_source(count);
  // Only the prompt is written anew; an answer that repeats itself does so as it is.
  const std::string written = source_ < prompt_size_ ? as_written(plain) : plain;
  if (used_ > 0 || written != plain) {
    guess = spelling_.encode(written);
    if (guess.size() > length_) guess.resize(length_);
  }
  if (guess.size() > room) guess.resize(room);
  return guess;
}

void LookUp::judge(size_t proposed, size_t accepted) {
  if (proposed == 0) return;
  if (accepted == proposed) {
    failures_ = 0;
    length_ = std::min(most_, std::max(length_, 2 * accepted));
    return;
  }
  failures_ = accepted == 0 ? failures_ + 1 : 0;
  // A word that is written otherwise ends a guess, and the next words are mostly as guessed again.
  length_ = std::min(most_, failures_ > 3 ? 1 : std::max(accepted + 1, kFirstLength));
  if (failures_ > 3) {
    pause_ = std::min(kLongestPause, size_t{1} << (failures_ - 3));
    source_ = kNowhere;
    used_ = 0;
  }
}

}  // namespace maie::llm
