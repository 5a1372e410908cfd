#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace maie::text {

/// Added tokens of one kind (raw or normalised), found leftmost first, longest first.
class AddedMatcher {
 public:
  void add(std::string content, int32_t index) {
    if (content.empty()) return;
    auto& lengths = lengths_[static_cast<uint8_t>(content[0])];
    if (std::find(lengths.begin(), lengths.end(), content.size()) == lengths.end()) {
      lengths.push_back(content.size());
      std::sort(lengths.begin(), lengths.end(), std::greater<>());
    }
    by_content_.emplace(std::move(content), index);
  }
  bool empty() const { return by_content_.empty(); }

  /// The index of the longest token at `at`, or -1.
  int32_t match(std::string_view text, size_t at, size_t* size) const {
    for (const size_t length : lengths_[static_cast<uint8_t>(text[at])]) {
      if (at + length > text.size()) continue;
      const auto found = by_content_.find(std::string(text.substr(at, length)));
      if (found == by_content_.end()) continue;
      *size = length;
      return found->second;
    }
    return -1;
  }

 private:
  std::unordered_map<std::string, int32_t> by_content_;
  std::array<std::vector<size_t>, 256> lengths_;
};

}  // namespace maie::text
