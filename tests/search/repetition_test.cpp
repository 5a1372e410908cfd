#include "search/repetition.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/search/golden.h"

namespace maie::search {
namespace {

const TokenIds kIds = TableModel::ids();

std::vector<int> repeated(const std::vector<int>& phrase, int times) {
  std::vector<int> tokens;
  for (int i = 0; i < times; ++i) tokens.insert(tokens.end(), phrase.begin(), phrase.end());
  return tokens;
}

TEST(Repetition, FourTimesNoIsSpeech) {
  EXPECT_FALSE(find_loop(repeated({5}, 4), kIds, {}));
  EXPECT_FALSE(find_loop(repeated({5, 6}, 8), kIds, {}));
  EXPECT_FALSE(find_loop(repeated({5}, 31), kIds, {}));
  EXPECT_FALSE(find_loop({}, kIds, {}));
}

TEST(Repetition, StopsAtTheFirstTokenThatMakesItALoop) {
  for (int period = 1; period <= 40; ++period) {
    std::vector<int> phrase;
    for (int i = 0; i < period; ++i) phrase.push_back(i);
    std::vector<int> tokens = {70, 71};  // not part of the loop
    const std::vector<int> tail = repeated(phrase, 40);
    size_t stopped_at = 0;
    for (const int token : tail) {
      tokens.push_back(token);
      if (const auto keep = find_loop(tokens, kIds, {})) {
        EXPECT_EQ(*keep, 2u + period);
        stopped_at = tokens.size() - 2;
        break;
      }
    }
    EXPECT_EQ(stopped_at, static_cast<size_t>(std::max(32, 4 * period))) << period;
  }
}

TEST(Repetition, LooksThroughTimestampsAndKeepsTheOneThatClosesTheFirstRound) {
  std::vector<int> tokens;
  for (int i = 0; i < 11; ++i) {
    tokens.insert(tokens.end(), {90 + 2 * i, 1, 2, 3, 91 + 2 * i});
  }
  tokens.pop_back();  // ends in text: 33 text tokens
  const auto keep = find_loop(tokens, kIds, {});
  ASSERT_TRUE(keep);
  EXPECT_EQ(*keep, 5u);  // <t> 1 2 3 <t>
}

TEST(Repetition, NearMissesAndTheSwitch) {
  std::vector<int> tokens = repeated({1, 2, 3, 4}, 9);
  EXPECT_TRUE(find_loop(tokens, kIds, {}));
  EXPECT_FALSE(find_loop(tokens, kIds, {.enabled = false}));
  EXPECT_FALSE(find_loop(tokens, kIds, {.max_period = 3}));
  tokens[20] = 60;  // the run is now 15 long
  EXPECT_FALSE(find_loop(tokens, kIds, {}));
  tokens = repeated({1, 2, 3, 4}, 9);
  tokens.push_back(95);  // asked only where text was said
  EXPECT_FALSE(find_loop(tokens, kIds, {}));
}

}  // namespace
}  // namespace maie::search
