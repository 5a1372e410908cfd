#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace maie::llm {

/// Who holds which page of the network's cache. A page has as many holders as sequences and cached
/// beginnings share it, and is free when the last lets go. Knows numbers only. One thread at a
/// time.
class PagePool {
 public:
  explicit PagePool(int64_t pages);

  int64_t size() const { return int64_t(holders_.size()); }
  int64_t free() const { return int64_t(free_.size()); }
  int holders(int32_t page) const { return holders_[size_t(page)]; }

  /// A free page with one holder. @throws ContractError when there is none.
  int32_t take();
  void hold(std::span<const int32_t> pages);
  void let_go(std::span<const int32_t> pages);

 private:
  std::vector<int> holders_;
  std::vector<int32_t> free_;  // the one given back last is taken first
};

}  // namespace maie::llm
