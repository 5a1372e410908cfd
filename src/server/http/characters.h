#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ascii.h"

namespace maie::http {

/// Equal, ASCII letters without case.
bool equal_fold(std::string_view a, std::string_view b);

/// A character of a method, a field name or an unquoted parameter (RFC 9110, 5.6.2).
bool is_token_char(char c);
bool is_token(std::string_view text);  ///< at least one character, all of them token characters

/// U+0000 to U+001F and U+007F.
inline bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// Well-formed UTF-8: no surrogates, no overlong forms, nothing above U+10FFFF.
bool valid_utf8(std::string_view bytes);

/// Without blanks and tabs at either end.
std::string_view trim(std::string_view text);

/// "%41" becomes "A"; nullopt when a percent sign has no two hexadecimal digits behind it.
/// @param plus_is_blank  as in queries
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank = false);

/// The value of a field that lists tokens ("Connection: close, TE") names `token`.
bool lists_token(std::string_view value, std::string_view token);

}  // namespace maie::http
