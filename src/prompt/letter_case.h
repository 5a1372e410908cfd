#pragma once

#include <string>
#include <string_view>

/// Upper, lower and title case of one code point, with the mappings to several letters (ß to SS) of
/// Unicode's SpecialCasing.txt that hold in every language.
namespace maie::prompt {

void append_upper(std::string& out, char32_t c);
void append_lower(std::string& out, char32_t c);
void append_title(std::string& out, char32_t c);

/// Has upper or lower case.
bool is_cased(char32_t c);
/// Whether the letter at [start, end) of `text` follows a letter and comes before none: where a
/// Greek capital sigma becomes its final form.
bool ends_word(std::string_view text, size_t start, size_t end);

}  // namespace maie::prompt
