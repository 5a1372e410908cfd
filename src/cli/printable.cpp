#include "cli/printable.h"

#include <vector>

namespace maie::cli {
namespace {

// Bytes of the UTF-8 character at the front of `text`, 0 where it is not one.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return uint8_t(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                        : (lead & 0xf0) == 0xe0       ? 3
                        : lead >= 0xf0 && lead < 0xf5 ? 4
                                                      : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and numbers past U+10FFFF are not characters either.
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) >= 0xa0) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) >= 0x90) return 0;
  return length;
}

bool is_control(std::string_view character) {
  const auto first = uint8_t(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  return character.size() == 2 && first == 0xc2 && uint8_t(character[1]) < 0xa0;  // C1
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> all;
  while (!text.empty()) {
    const size_t length = std::max<size_t>(1, utf8_length(text));
    all.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return all;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, std::max<size_t>(1, length));
    if (length == 0 || is_control(character)) {
      out += '?';
    } else {
      out += character;
    }
    text.remove_prefix(character.size());
  }
  return out;
}

size_t character_count(std::string_view text) { return characters(text).size(); }

std::string shorten(std::string_view text, size_t columns) {
  const std::vector<std::string_view> all = characters(text);
  if (all.size() <= columns) return std::string(text);
  if (columns <= 2) return std::string(columns, '.');
  const size_t head = (columns - 2 + 1) / 2;
  const size_t tail = columns - 2 - head;
  std::string out;
  for (size_t i = 0; i < head; ++i) out += all[i];
  out += "..";
  for (size_t i = all.size() - tail; i < all.size(); ++i) out += all[i];
  return out;
}

}  // namespace maie::cli
