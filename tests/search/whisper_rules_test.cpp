// Every row of the table of timestamp rules, by hand. Ids: text 0..79, end of text 80, start 81,
// ..., no timestamps 89, times 90..149.
#include "search/whisper_rules.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "base/check.h"
#include "search/row_math.h"
#include "tests/search/golden.h"

namespace maie::search {
namespace {

const TokenIds kIds = TableModel::ids();
constexpr int kV = TableModel::kV;
constexpr float kForbidden = -std::numeric_limits<float>::infinity();
using Ints = std::vector<int>;

struct Applied {
  std::vector<float> row;
  AllowedRow allowed;

  // The finite ids as ranges: "0-79 90-149".
  std::string open() const {
    std::string text;
    for (int i = 0; i < kV; ++i) {
      if (row[i] == kForbidden) continue;
      int j = i;
      while (j + 1 < kV && row[j + 1] != kForbidden) ++j;
      if (!text.empty()) text += ' ';
      text += std::to_string(i);
      if (j > i) text.append("-").append(std::to_string(j));
      i = j;
    }
    return text;
  }
};

// Text tokens are likelier than all times together unless `times` raises them.
Applied apply(const Ints& said, int prefix = 0, float times = -20, const RuleOptions& options = {},
              bool timestamps = true, const TokenIds& ids = kIds) {
  Applied a;
  a.row.assign(kV, 0.0f);
  for (int i = 90; i < kV; ++i) a.row[i] = times;
  a.allowed = apply_rules(a.row, said, prefix, timestamps, ids, options);
  // Whatever the rules did, what they report must be true.
  EXPECT_NEAR(a.allowed.log_sum, log_sum_exp(a.row), 1e-5);
  for (int i = 0; i < kV; ++i) {
    const bool inside = i >= a.allowed.begin && i < a.allowed.end;
    EXPECT_TRUE(inside || a.row[i] == kForbidden) << i;
  }
  return a;
}

TEST(WhisperRules, TheFirstTokenIsATimeNearTheStart) {
  EXPECT_EQ(apply({}).open(), "90-140");
  RuleOptions options;
  options.max_initial_timestamp_index = 0;
  EXPECT_EQ(apply({}, 0, -20, options).open(), "90");
  options.max_initial_timestamp_index = -1;
  EXPECT_EQ(apply({}, 0, -20, options).open(), "90-149");
  options.max_initial_timestamp_index = 1000;
  EXPECT_EQ(apply({}, 0, -20, options).open(), "90-149");
}

TEST(WhisperRules, AfterAPairComesText) {
  EXPECT_EQ(apply({90}).open(), "0-88");  // the first time counts as a pair
  EXPECT_EQ(apply({90, 5, 95, 95}).open(), "0-88");
  EXPECT_EQ(apply({90, 5, 95, 95}, 0, 20).open(), "0-88");  // no sum rule here
}

TEST(WhisperRules, AfterTheTimeThatClosesTextComesATimeOrTheEnd) {
  EXPECT_EQ(apply({90, 5, 100}).open(), "80-88 100-149");
  EXPECT_EQ(apply({90, 5, 100}, 0, 20).open(), "100-149");  // sum rule
}

TEST(WhisperRules, InsideTextTimeMovesForward) {
  EXPECT_EQ(apply({90, 5}).open(), "0-88 91-149");
  EXPECT_EQ(apply({90, 5, 100, 100, 6, 7}).open(), "0-88 101-149");
  EXPECT_EQ(apply({90, 5, 149, 149, 6}).open(), "0-88");  // no time is left
}

TEST(WhisperRules, TimesWinWhenTogetherTheyAreLikelierThanAnyText) {
  // 59 times of equal value t together weigh t + ln 59 = t + 4.08; text has 0.
  EXPECT_EQ(apply({90, 5}, 0, -4.0f).open(), "91-149");
  EXPECT_EQ(apply({90, 5}, 0, -4.1f).open(), "0-88 91-149");
}

TEST(WhisperRules, AForcedPrefixSwitchesTheFirstStepsOff) {
  EXPECT_EQ(apply({}, 2).open(), "0-88 90-149");
  EXPECT_EQ(apply({90}, 2).open(), "0-88 90-149");
  EXPECT_EQ(apply({90, 5}, 2).open(), "0-88 90-149");  // step == prefix: nothing but no_timestamps
  EXPECT_EQ(apply({90, 5, 6}, 2).open(), "0-88 90-149");  // no time since the prefix
  EXPECT_EQ(apply({90, 5, 99}, 2).open(), "0-88");  // alone after the prefix it counts as a pair
  EXPECT_EQ(apply({90, 5, 6, 99}, 2).open(), "80-88 99-149");
}

TEST(WhisperRules, WithoutTimestampsNothingIsAdded) {
  EXPECT_EQ(apply({}, 0, -20, {}, false).open(), "0-149");
  TokenIds ids = kIds;
  ids.timestamp_begin = -1;
  EXPECT_EQ(apply({}, 0, -20, {}, true, ids).open(), "0-149");
}

TEST(WhisperRules, SuppressedTokens) {
  RuleOptions options;
  options.suppress = {0, 1, 88, -1, 4000};
  options.suppress_begin = {5, 80};
  EXPECT_EQ(apply({}, 0, -20, options, false).open(), "2-4 6-79 81-87 89-149");
  EXPECT_EQ(apply({9}, 0, -20, options, false).open(), "2-87 89-149");
  EXPECT_EQ(apply({9}, 1, -20, options, false).open(), "2-4 6-79 81-87 89-149");
  EXPECT_EQ(apply({}, 1, -20, options, false).open(), "2-87 89-149");
}

TEST(WhisperRules, NoNgramIsSaidTwice) {
  RuleOptions options;
  options.no_repeat_ngram_size = 3;
  EXPECT_EQ(apply({1, 2, 3, 1, 2}, 0, -20, options, false).open(), "0-2 4-149");
  EXPECT_EQ(apply({1, 2, 3, 2, 1}, 0, -20, options, false).open(), "0-149");
  EXPECT_EQ(apply({1, 2}, 0, -20, options, false).open(), "0-149");
  options.no_repeat_ngram_size = 1;
  EXPECT_EQ(apply({1, 7}, 0, -20, options, false).open(), "0 2-6 8-149");
}

TEST(WhisperRules, RepetitionPenaltyCountsEachTokenOnce) {
  std::vector<float> row(kV, 1.0f);
  row[3] = 2;
  row[4] = -2;
  RuleOptions options;
  options.repetition_penalty = 1.5f;
  apply_rules(row, Ints{3, 4, 3, 4}, 0, false, kIds, options);
  EXPECT_FLOAT_EQ(row[3], 2 / 1.5f);
  EXPECT_FLOAT_EQ(row[4], -3);
  EXPECT_FLOAT_EQ(row[5], 1);
}

TEST(WhisperRules, RefuseARowOrATokenThatDoesNotFit) {
  std::vector<float> row(kV);
  EXPECT_THROW(apply_rules(std::span(row).first(10), {}, 0, true, kIds, {}), ContractError);
  EXPECT_THROW(apply_rules(row, Ints{kV}, 0, true, kIds, {}), ContractError);
}

// Random histories and rows: the grammar may never leave nothing to say, and never a time that runs
// backwards.
TEST(WhisperRules, SomethingIsAlwaysAllowedAndTimeNeverRunsBack) {
  for (int seed = 0; seed < 300; ++seed) {
    const TableModel model(seed % 7, 0.0f, static_cast<float>(seed % 5) - 3);
    Ints said;
    std::vector<float> row(kV);
    int newest = 0;
    for (int step = 0; step < 60; ++step) {
      model.logits(said.empty() ? 85 : said.back(), step, row.data());
      apply_rules(row, said, 0, true, kIds, TableModel::rules());
      std::vector<float> scratch;
      const int token =
          sample_row(row, 0.5f, double(splitmix(seed * 1000 + step) >> 11) * 0x1p-53, scratch);
      ASSERT_GE(token, 0);
      if (kIds.is_timestamp(token)) {
        EXPECT_GE(token, newest);
        newest = token;
      }
      if (token == kIds.eot) break;
      said.push_back(token);
    }
  }
}

}  // namespace
}  // namespace maie::search
