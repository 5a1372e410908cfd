#pragma once

#include <string>
#include <string_view>

namespace maie::cli {

/// `text` without what could steer a terminal or break a line: control characters (C0, C1, DEL) and
/// bytes that are not UTF-8 become '?'. File names and transcripts come from outside.
std::string printable(std::string_view text);

/// Columns `text` takes on a terminal, counting each character as one.
size_t character_count(std::string_view text);

/// `text` cut in the middle to at most `columns` characters, the cut shown as "..".
std::string shorten(std::string_view text, size_t columns);

}  // namespace maie::cli
