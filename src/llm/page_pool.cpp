#include "llm/page_pool.h"

#include "base/check.h"

namespace maie::llm {

PagePool::PagePool(int64_t pages) : holders_(size_t(pages), 0) {
  for (int64_t page = pages; page-- > 0;) free_.push_back(int32_t(page));
}

int32_t PagePool::take() {
  check(!free_.empty(), "a page is free");
  const int32_t page = free_.back();
  free_.pop_back();
  holders_[size_t(page)] = 1;
  return page;
}

void PagePool::hold(std::span<const int32_t> pages) {
  for (const int32_t page : pages) {
    check(holders_[size_t(page)] > 0, "only a page in use gets another holder");
    ++holders_[size_t(page)];
  }
}

void PagePool::let_go(std::span<const int32_t> pages) {
  for (const int32_t page : pages) {
    check(holders_[size_t(page)] > 0, "a page is let go by a holder");
    if (--holders_[size_t(page)] == 0) free_.push_back(page);
  }
}

}  // namespace maie::llm
