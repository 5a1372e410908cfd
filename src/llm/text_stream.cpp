#include "llm/text_stream.h"

#include <algorithm>
#include <cstdint>

#include "text/utf8.h"

namespace maie::llm {
namespace {

constexpr std::string_view kThink = "<think>";
constexpr std::string_view kThinkEnd = "</think>";

// The longest end of `text` that is a proper beginning of `word`.
size_t beginning_at_end(std::string_view text, std::string_view word) {
  for (size_t size = std::min(text.size(), word.size() - 1); size > 0; --size) {
    if (text.ends_with(word.substr(0, size))) return size;
  }
  return 0;
}

size_t line_breaks(std::string_view text) {
  return std::min(text.find_first_not_of("\r\n"), text.size());
}

}  // namespace

size_t incomplete_utf8(std::string_view bytes) {
  for (size_t back = 1; back <= std::min<size_t>(3, bytes.size()); ++back) {
    const auto lead = uint8_t(bytes[bytes.size() - back]);
    if ((lead & 0xC0) == 0x80) continue;  // goes on; look further back for its beginning
    const size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return wanted > back ? back : 0;
  }
  return 0;
}

TextStream::TextStream(Options options)
    : options_(std::move(options)),
      part_(options_.starts_thinking   ? Part::kThinking
            : options_.splits_thinking ? Part::kStart
                                       : Part::kText) {}

bool TextStream::push(std::string_view bytes) {
  if (stopped()) return false;
  bytes_ += bytes;
  const size_t whole = bytes_.size() - incomplete_utf8(bytes_);
  held_ += text::repair_utf8(std::string_view(bytes_).substr(0, whole));
  bytes_.erase(0, whole);
  advance(false);
  return !stopped();
}

void TextStream::finish() {
  if (stopped()) return;
  held_ += text::repair_utf8(bytes_);
  bytes_.clear();
  advance(true);
}

void TextStream::advance(bool last) {
  if (part_ == Part::kStart && !advance_start(last)) return;
  if (part_ == Part::kThinking && !advance_thinking(last)) return;
  if (part_ == Part::kAfterThinking && !advance_after(last)) return;
  if (part_ == Part::kText) advance_text(last);
}

bool TextStream::advance_start(bool last) {
  const size_t blank = std::min(held_.find_first_not_of(" \t\r\n"), held_.size());
  const std::string_view rest = std::string_view(held_).substr(blank);
  if (rest.starts_with(kThink)) {
    held_.erase(0, blank + kThink.size());
    part_ = Part::kThinking;
    return true;
  }
  if (!last && kThink.starts_with(rest)) return false;
  part_ = Part::kText;
  return true;
}

bool TextStream::advance_thinking(bool last) {
  const size_t end = held_.find(kThinkEnd);
  if (end == std::string::npos) {
    const size_t keep = last ? 0 : beginning_at_end(held_, kThinkEnd);
    thinking_.append(held_, 0, held_.size() - keep);
    held_.erase(0, held_.size() - keep);
  } else {
    thinking_.append(held_, 0, end);
    held_.erase(0, end + kThinkEnd.size());
    part_ = Part::kAfterThinking;
  }
  const bool over = part_ == Part::kAfterThinking || last;
  if (over) {
    thinking_.erase(0, line_breaks(thinking_));
    while (!thinking_.empty() && (thinking_.back() == '\n' || thinking_.back() == '\r')) {
      thinking_.pop_back();
    }
  }
  return part_ == Part::kAfterThinking;
}

// The line breaks between the thinking and the text belong to neither.
bool TextStream::advance_after(bool last) {
  held_.erase(0, line_breaks(held_));
  if (held_.empty() && !last) return false;
  part_ = Part::kText;
  return true;
}

void TextStream::advance_text(bool last) {
  size_t stop = std::string::npos;
  size_t keep = 0;
  for (const std::string& word : options_.stops) {
    stop = std::min(stop, held_.find(word));
    if (!last) keep = std::max(keep, beginning_at_end(held_, word));
  }
  if (stop != std::string::npos) {
    emit(stop);
    held_.clear();
    bytes_.clear();
    part_ = Part::kStopped;
    return;
  }
  emit(held_.size() - keep);
}

void TextStream::emit(size_t count) {
  if (count == 0) return;
  const std::string piece = held_.substr(0, count);
  held_.erase(0, count);
  text_ += piece;
  if (options_.on_text) options_.on_text(piece);
}

}  // namespace maie::llm
