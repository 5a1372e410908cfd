#pragma once

#include <string>
#include <vector>

#include "llm/look_up.h"

namespace maie::llm::testing {

/// Tokens that are spelt as their numbers.
inline Spelling number_spelling() {
  static const std::vector<std::string> numbers = [] {
    std::vector<std::string> all;
    for (int i = 0; i < 4000; ++i) all.push_back(std::to_string(i));
    return all;
  }();
  return {[](int32_t token) -> std::string_view { return numbers[size_t(token)]; },
          [](const std::string&) { return std::vector<int32_t>(); }};
}

}  // namespace maie::llm::testing
