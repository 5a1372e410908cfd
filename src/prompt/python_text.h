#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Python's str methods over UTF-8. All texts are valid UTF-8; positions are code points.
namespace maie::prompt {

/// The code point that begins at byte `at`, which moves behind it.
char32_t next_code_point(std::string_view text, size_t& at);
int64_t count_code_points(std::string_view text);
/// The byte where code point `index` begins; the end of the text when there are fewer.
size_t byte_offset(std::string_view text, int64_t index);

/// str.isspace of one code point.
bool is_space(char32_t c);
bool is_alphabetic(char32_t c);
bool is_decimal_digit(char32_t c);
bool is_upper(char32_t c);
bool is_lower(char32_t c);
/// Whether repr() shows the code point itself.
bool is_printable(char32_t c);

enum class Side : uint8_t { kBoth, kLeft, kRight };
/// str.strip, lstrip, rstrip; white space when `characters` is nullptr.
std::string_view strip_text(std::string_view text, Side side,
                            const std::string_view* characters = nullptr);

std::string upper_text(std::string_view text);
std::string lower_text(std::string_view text);
std::string capitalize_text(std::string_view text);
std::string title_text(std::string_view text);
std::string replace_text(std::string_view text, std::string_view from, std::string_view to,
                         int64_t count);
/// repr(str).
std::string repr_text(std::string_view text);

}  // namespace maie::prompt
