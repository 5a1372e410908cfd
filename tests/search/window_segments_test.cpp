#include "search/window_segments.h"

#include <gtest/gtest.h>

#include "tests/search/golden.h"

namespace maie::search {
namespace {

const TokenIds kIds = TableModel::ids();
using Ints = std::vector<int>;

TEST(WindowSegments, SplitsAsFasterWhisperDoes) {
  const auto cases = golden("parts.json");
  ASSERT_FALSE(cases["split"].empty());
  for (const auto& c : cases["split"]) {
    const SplitWindow got = split_window(c["tokens"].get<Ints>(), kIds, c["seek"], c["size"]);
    EXPECT_EQ(got.seek, c["after"].get<int64_t>()) << c.dump();
    EXPECT_EQ(got.single_timestamp_ending, c["single"].get<bool>()) << c.dump();
    ASSERT_EQ(got.segments.size(), c["segments"].size()) << c.dump();
    for (size_t i = 0; i < got.segments.size(); ++i) {
      EXPECT_DOUBLE_EQ(got.segments[i].start, c["segments"][i][0].get<double>());
      EXPECT_DOUBLE_EQ(got.segments[i].end, c["segments"][i][1].get<double>());
      EXPECT_EQ(got.segments[i].tokens, c["segments"][i][2].get<Ints>());
    }
  }
}

TEST(WindowSegments, AlwaysMovesForward) {
  const SplitWindow split = split_window(Ints{90, 90, 5}, kIds, 1000, 3000);
  EXPECT_EQ(split.seek, 4000);
  EXPECT_EQ(split_window({}, kIds, 7, 10).seek, 17);
}

TEST(WindowSegments, AModelWithoutTimestampsGivesOneSegment) {
  TokenIds ids = kIds;
  ids.timestamp_begin = -1;
  const SplitWindow split = split_window(Ints{90, 91, 5}, ids, 100, 200);
  ASSERT_EQ(split.segments.size(), 1u);
  EXPECT_EQ(split.segments[0].start, 1.0);
  EXPECT_EQ(split.segments[0].end, 3.0);
}

TEST(WindowSegments, ClipsComeInPairs) {
  const auto all = seek_clips({}, 500);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].begin, 0);
  EXPECT_EQ(all[0].end, 500);
  const auto some = seek_clips(std::vector<double>{1.004, 2.5, 3}, 1234);
  ASSERT_EQ(some.size(), 2u);
  EXPECT_EQ(some[0].begin, 100);
  EXPECT_EQ(some[0].end, 250);
  EXPECT_EQ(some[1].begin, 300);
  EXPECT_EQ(some[1].end, 1234);
}

TEST(WindowPrompt, IsTheOneFasterWhisperBuilds) {
  const auto cases = golden("parts.json");
  ASSERT_FALSE(cases["prompts"].empty());
  for (const auto& c : cases["prompts"]) {
    const auto previous = c["previous"].get<Ints>(), hotwords = c["hotwords"].get<Ints>();
    const auto prefix = c["prefix"].get<Ints>(), sot = c["sot"].get<Ints>();
    const Ints got = build_prompt({.previous = previous,
                                   .hotwords = hotwords,
                                   .sot_sequence = sot,
                                   .prefix = prefix,
                                   .without_timestamps = c["without"]},
                                  kIds);
    EXPECT_EQ(got, c["prompt"].get<Ints>());
  }
}

TEST(WindowPrompt, LeavesRoomToSpeak) {
  const Ints previous(300, 1), hotwords(300, 2), sot = {81, 82, 85};
  const Ints got =
      build_prompt({.previous = previous, .hotwords = hotwords, .sot_sequence = sot}, kIds);
  EXPECT_LE(got.size(), 448u - 32u);
  EXPECT_EQ(std::count(got.begin(), got.end(), 2), 223);
  EXPECT_GT(std::count(got.begin(), got.end(), 1), 100);
}

TEST(WindowPrompt, LeavesOutWhatTheModelLacks) {
  TokenIds ids = kIds;
  ids.start_of_prev = ids.no_timestamps = ids.timestamp_begin = -1;
  const Ints previous = {1, 2}, sot = {81}, prefix = {7};
  EXPECT_EQ(build_prompt({.previous = previous, .sot_sequence = sot, .prefix = prefix}, ids),
            (Ints{81, 7}));
  EXPECT_EQ(build_prompt({.sot_sequence = sot, .without_timestamps = true}, ids), (Ints{81}));
}

TEST(LoopState, ForgetsContextWhenToldTo) {
  LoopState state;
  state.emit(Ints{1, 2, 3});
  state.close_window(true, 0.4);
  EXPECT_EQ(state.previous().size(), 3u);
  state.close_window(true, 0.6);
  EXPECT_TRUE(state.previous().empty());
  state.emit(Ints{4});
  EXPECT_EQ(state.previous().size(), 1u);
  state.close_window(false, 0);
  EXPECT_TRUE(state.previous().empty());
}

}  // namespace
}  // namespace maie::search
