#pragma once

#include <string>
#include <string_view>

namespace maie {

/// Without case as protocols have it: the letters A to Z alone, whatever the locale.
inline char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c + ('a' - 'A')) : c; }

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

}  // namespace maie
