#include "search/time_map.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "tests/search/golden.h"

namespace maie::search {
namespace {

TEST(TimeMap, RestoresAndGroupsAsFasterWhisperDoes) {
  const auto cases = golden("parts.json");
  ASSERT_FALSE(cases["regions"].empty());
  for (const auto& c : cases["regions"]) {
    std::vector<SampleSpan> regions;
    for (const auto& r : c["chunks"]) regions.push_back({r[0], r[1]});
    const TimeMap map(regions);
    for (const auto& s : c["segments"]) {
      const TimeSpan packed{s[0], s[1]};
      const TimeSpan plain = restore_segment(map, packed);
      EXPECT_EQ(plain.start, s[2].get<double>());
      EXPECT_EQ(plain.end, s[3].get<double>());
      const TimeSpan word = restore_word(map, packed);
      EXPECT_EQ(word.start, s[4].get<double>());
      EXPECT_EQ(word.end, s[5].get<double>());
    }
    const auto groups = group_regions(regions);
    std::vector<int64_t> sizes;
    size_t count = 0;
    for (const SpeechGroup& g : groups) {
      sizes.push_back(g.size);
      count += g.regions.size();
      EXPECT_TRUE(g.size <= 480000 || g.regions.size() == 1);
    }
    EXPECT_EQ(sizes, c["merged"].get<std::vector<int64_t>>());
    EXPECT_EQ(count, regions.size());
  }
}

TEST(TimeMap, HoldsMoreThanADayOfSamples) {
  const int64_t day = int64_t{16000} * 86400;
  const TimeMap map(std::vector<SampleSpan>{{day, day + 16000}, {2 * day, 2 * day + 16000}});
  EXPECT_DOUBLE_EQ(map.restore(0.5), 86400.5);
  EXPECT_DOUBLE_EQ(map.restore(1.5), 2 * 86400.0 + 0.5);
  EXPECT_DOUBLE_EQ(map.restore(1.0), 2 * 86400.0);
  EXPECT_DOUBLE_EQ(map.restore(1.0, true), 86401.0);
  EXPECT_THROW(TimeMap({}), ContractError);
  EXPECT_TRUE(group_regions({}).empty());
}

TEST(RoundDecimals, RoundsTheExactBinaryValue) {
  EXPECT_EQ(round_decimals(0.125, 2), 0.12);  // a true tie goes to even
  EXPECT_EQ(round_decimals(0.375, 2), 0.38);
  EXPECT_EQ(round_decimals(2.675, 2), 2.67);  // in binary just below the tie
  EXPECT_EQ(round_decimals(-1.005, 2), -1.0);
  EXPECT_EQ(round_decimals(86400.119, 2), 86400.12);
}

}  // namespace
}  // namespace maie::search
