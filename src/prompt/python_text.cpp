#include "prompt/python_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdio>

#include "prompt/letter_case.h"
#include "text/utf8.h"

namespace maie::prompt {
namespace {

std::string mapped(std::string_view text, void (*append)(std::string&, char32_t)) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) append(out, next_code_point(text, at));
  return out;
}

}  // namespace

char32_t next_code_point(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return at + i < text.size() ? uint8_t(text[at + i]) : 0; };
  const uint8_t first = byte(0);
  const int size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t c = size == 1 ? first : first & (0xFF >> (size + 1));
  for (int i = 1; i < size; ++i) c = (c << 6) | (byte(size_t(i)) & 0x3F);
  at = std::min(text.size(), at + size_t(size));
  return c;
}

int64_t count_code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (uint8_t(c) & 0xC0) != 0x80; });
}

size_t byte_offset(std::string_view text, int64_t index) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((uint8_t(text[at]) & 0xC0) != 0x80 && index-- == 0) return at;
  }
  return at;
}

bool is_space(char32_t c) { return text::is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

bool is_alphabetic(char32_t c) {
  const auto category = utf8proc_category(int32_t(c));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal_digit(char32_t c) { return utf8proc_category(int32_t(c)) == UTF8PROC_CATEGORY_ND; }

bool is_upper(char32_t c) { return utf8proc_category(int32_t(c)) == UTF8PROC_CATEGORY_LU; }
bool is_lower(char32_t c) { return utf8proc_category(int32_t(c)) == UTF8PROC_CATEGORY_LL; }

bool is_printable(char32_t c) {
  if (c == ' ') return true;
  switch (utf8proc_category(int32_t(c))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS: return false;
    default: return true;
  }
}

std::string_view strip_text(std::string_view text, Side side, const std::string_view* characters) {
  const auto drop = [&](std::string_view c) {
    if (characters != nullptr) return characters->find(c) != std::string_view::npos;
    size_t at = 0;
    return is_space(next_code_point(c, at));
  };
  while (side != Side::kRight && !text.empty()) {
    const size_t size = byte_offset(text, 1);
    if (!drop(text.substr(0, size))) break;
    text.remove_prefix(size);
  }
  while (side != Side::kLeft && !text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && (uint8_t(text[start]) & 0xC0) == 0x80) --start;
    if (!drop(text.substr(start))) break;
    text.remove_suffix(text.size() - start);
  }
  return text;
}

std::string upper_text(std::string_view text) { return mapped(text, append_upper); }

std::string lower_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = next_code_point(text, at);
    if (c == 0x3A3 && ends_word(text, start, at)) {
      text::append_utf8(out, 0x3C2);  // a sigma at the end of a word has its own small letter
    } else {
      append_lower(out, c);
    }
  }
  return out;
}

std::string capitalize_text(std::string_view text) {
  std::string out;
  size_t at = 0;
  if (!text.empty()) append_title(out, next_code_point(text, at));
  const std::string lowered = lower_text(text);
  // The rest is lowered within the whole text, because a sigma looks at its neighbours.
  size_t first_lowered = 0;
  if (!text.empty()) {
    std::string first;
    size_t begin = 0;
    append_lower(first, next_code_point(text, begin));
    first_lowered = first.size();
  }
  return out + lowered.substr(std::min(first_lowered, lowered.size()));
}

std::string title_text(std::string_view text) {
  std::string out;
  bool after_letter = false;
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = next_code_point(text, at);
    if (!after_letter) {
      append_title(out, c);
    } else if (c == 0x3A3 && ends_word(text, start, at)) {
      text::append_utf8(out, 0x3C2);
    } else {
      append_lower(out, c);
    }
    after_letter = is_cased(c);
  }
  return out;
}

std::string replace_text(std::string_view text, std::string_view from, std::string_view to,
                         int64_t count) {
  std::string out;
  size_t at = 0;
  if (from.empty()) {  // Python puts `to` before every character and at the end
    for (; count != 0; --count) {
      out += to;
      if (at == text.size()) return out;
      const size_t start = at;
      next_code_point(text, at);
      out += text.substr(start, at - start);
    }
    return out + std::string(text.substr(at));
  }
  for (; count != 0; --count) {
    const size_t hit = text.find(from, at);
    if (hit == std::string_view::npos) break;
    out += text.substr(at, hit - at);
    out += to;
    at = hit + from.size();
  }
  out += text.substr(at);
  return out;
}

std::string repr_text(std::string_view text) {
  const bool single = text.find('\'') != std::string_view::npos;
  const char quote = single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = next_code_point(text, at);
    char escape[16];
    if (c == char32_t(quote) || c == '\\') {
      out += '\\';
      out += char(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_printable(c)) {
      out += text.substr(start, at - start);
    } else {
      const char* format = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
      std::snprintf(escape, sizeof(escape), format, unsigned(c));
      out += escape;
    }
  }
  return out + quote;
}

}  // namespace maie::prompt
