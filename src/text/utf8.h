#pragma once

#include <string>
#include <string_view>

namespace maie::text {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

/// Code points of `bytes`. Each maximal invalid stretch (Unicode 15, section 3.9, "substitution of
/// maximal subparts") becomes one U+FFFD: exactly what Python's bytes.decode("utf-8", "replace")
/// gives.
std::u32string decode_utf8(std::string_view bytes);

std::string encode_utf8(std::u32string_view code_points);
void append_utf8(std::string& out, char32_t code_point);

/// `bytes` where they are valid UTF-8, otherwise with the replacements of decode_utf8.
std::string repair_utf8(std::string_view bytes);

/// Unicode White_Space.
bool is_white_space(char32_t code_point);

/// `text` without white space at its ends, where white space is what Python's str.strip() takes
/// away: White_Space and the separators U+001C to U+001F.
std::string_view strip(std::string_view text);

}  // namespace maie::text
