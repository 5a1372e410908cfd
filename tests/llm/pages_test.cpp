// Who holds which page, and which beginnings are kept.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "base/check.h"
#include "llm/page_pool.h"
#include "llm/prefix_cache.h"

namespace maie::llm {
namespace {

TEST(PagePool, APageIsFreeWhenItsLastHolderLetsGo) {
  PagePool pool(3);
  const int32_t a = pool.take(), b = pool.take();
  EXPECT_NE(a, b);
  EXPECT_EQ(pool.free(), 1);
  pool.hold(std::vector{a});
  pool.let_go(std::vector{a, b});
  EXPECT_EQ(pool.free(), 2);
  EXPECT_EQ(pool.holders(a), 1);
  pool.let_go(std::vector{a});
  EXPECT_EQ(pool.free(), 3);
  EXPECT_THROW(pool.let_go(std::vector{a}), ContractError);
  EXPECT_THROW(pool.hold(std::vector{a}), ContractError);
  for (int i = 0; i < 3; ++i) pool.take();
  EXPECT_THROW(pool.take(), ContractError);
}

std::vector<int32_t> take(PagePool& pool, int count) {
  std::vector<int32_t> pages;
  while (count-- > 0) pages.push_back(pool.take());
  return pages;
}

TEST(PrefixCache, FindsWholeChunksOfTheLongestBeginning) {
  PagePool pool(20);
  PrefixCache cache(pool, 4, 2);
  const std::vector<int32_t> text = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const auto pages = take(pool, 5);
  cache.add(text, pages);
  EXPECT_EQ(cache.chunks(), 2);
  EXPECT_EQ(cache.known(text), 8);
  EXPECT_EQ(cache.find(text, 100), (std::vector(pages.begin(), pages.begin() + 4)));
  EXPECT_EQ(cache.find(text, 7), (std::vector(pages.begin(), pages.begin() + 2)));
  const std::vector<int32_t> other = {1, 2, 3, 4, 5, 6, 7, 0};
  EXPECT_EQ(cache.find(other, 8).size(), 2u);
  EXPECT_TRUE(cache.find(std::vector<int32_t>{0, 2, 3, 4}, 4).empty());
  EXPECT_EQ(pool.holders(pages[0]), 5);  // the taker, the cache, three finds
}

TEST(PrefixCache, WhatWasUsedLongestAgoGoesFirstAndWhatIsReadStays) {
  PagePool pool(6);
  PrefixCache cache(pool, 2, 1);
  const auto keep = [&](std::vector<int32_t> text) {
    const auto pages = take(pool, int(text.size()));
    cache.add(text, pages);
    pool.let_go(pages);
  };
  keep({1, 2});
  keep({3, 4});
  keep({5, 6});
  const auto held = cache.find(std::vector<int32_t>{3, 4}, 2);
  pool.let_go(cache.find(std::vector<int32_t>{1, 2}, 2));
  EXPECT_TRUE(cache.make_room(1));
  EXPECT_EQ(cache.known(std::vector<int32_t>{5, 6}), 0);
  EXPECT_EQ(cache.known(std::vector<int32_t>{1, 2}), 2);
  EXPECT_FALSE(cache.make_room(5));  // two are being read
  EXPECT_EQ(cache.known(std::vector<int32_t>{1, 2}), 2) << "nothing is dropped in vain";
  EXPECT_TRUE(cache.make_room(4));
  EXPECT_EQ(cache.chunks(), 1);
  pool.let_go(held);
  EXPECT_TRUE(cache.make_room(6));
  EXPECT_EQ(cache.chunks(), 0);
}

// Against a plain list of all beginnings that were added and not dropped.
TEST(PrefixCache, RandomUseKeepsTheBooks) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    PagePool pool(40);
    {
      PrefixCache cache(pool, 2, 1);
      std::map<std::vector<int32_t>, std::vector<int32_t>> contents;  // chunks so far to pages
      std::vector<std::vector<int32_t>> held;
      for (int step = 0; step < 200; ++step) {
        std::vector<int32_t> text(2 * (1 + random() % 4));
        for (int32_t& token : text) token = int32_t(random() % 2);
        const auto found = cache.find(text, int64_t(text.size()));
        for (size_t n = 2; n <= found.size(); n += 2) {
          const std::vector<int32_t> begin(text.begin(), text.begin() + std::ptrdiff_t(n));
          ASSERT_TRUE(contents.count(begin));
          ASSERT_EQ(contents[begin], std::vector(found.begin() + std::ptrdiff_t(n) - 2,
                                                 found.begin() + std::ptrdiff_t(n)));
        }
        auto pages = found;
        const int64_t more = int64_t(text.size() - found.size());
        if (!cache.make_room(more)) {
          pool.let_go(pages);
          ASSERT_FALSE(held.empty());
          pool.let_go(held.back());
          held.pop_back();
          continue;
        }
        while (pages.size() < text.size()) pages.push_back(pool.take());
        const int64_t known = cache.known(text);
        cache.add(text, pages);
        for (size_t n = size_t(known) + 2; n <= text.size(); n += 2) {
          contents[{text.begin(), text.begin() + std::ptrdiff_t(n)}] = {pages[n - 2], pages[n - 1]};
        }
        if (random() % 3 == 0) {
          held.push_back(pages);
        } else {
          pool.let_go(pages);
        }
      }
      for (const auto& pages : held) pool.let_go(pages);
    }
    ASSERT_EQ(pool.free(), 40);
  }
}

}  // namespace
}  // namespace maie::llm
