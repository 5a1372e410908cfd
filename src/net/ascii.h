#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace maie::net {

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c + ('a' - 'A')) : c; }

inline std::string lower(std::string text) {
  for (char& c : text) c = lower(c);
  return text;
}

/// Without blanks, tabs and line ends at either end.
inline std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

}  // namespace maie::net
