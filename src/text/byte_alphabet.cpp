#include "text/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "text/utf8.h"

namespace maie::text {
namespace {

struct Alphabet {
  std::array<char16_t, 256> character;
  std::array<int16_t, 0x144> byte;  // by character; -1 where none

  Alphabet() {
    byte.fill(-1);
    char16_t next = 0x100;
    for (int b = 0; b < 256; ++b) {
      const bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
      character[b] = printable ? static_cast<char16_t>(b) : next++;
      byte[character[b]] = static_cast<int16_t>(b);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

}  // namespace

std::string bytes_to_alphabet(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) append_utf8(out, alphabet().character[static_cast<uint8_t>(c)]);
  return out;
}

std::optional<std::string> alphabet_to_bytes(std::string_view characters) {
  const auto& byte_of = alphabet().byte;
  std::string out;
  out.reserve(characters.size());
  for (size_t at = 0; at < characters.size();) {
    // Every character of the alphabet takes one or two bytes of UTF-8.
    const auto first = static_cast<uint8_t>(characters[at]);
    uint32_t c = first;
    size_t size = 1;
    if (first >= 0x80) {
      if (at + 1 >= characters.size() || (first & 0xE0) != 0xC0) return std::nullopt;
      const auto second = static_cast<uint8_t>(characters[at + 1]);
      if ((second & 0xC0) != 0x80 || first < 0xC2) return std::nullopt;
      c = (uint32_t{first} & 0x1F) << 6 | (second & 0x3F);
      size = 2;
    }
    if (c >= byte_of.size() || byte_of[c] < 0) return std::nullopt;
    out.push_back(static_cast<char>(byte_of[c]));
    at += size;
  }
  return out;
}

}  // namespace maie::text
