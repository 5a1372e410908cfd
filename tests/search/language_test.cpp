#include "search/language.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/check.h"

namespace maie::search {
namespace {

using Windows = std::vector<std::vector<double>>;

TEST(Language, ProbabilitiesAreASoftmaxOverTheLanguagesOnly) {
  const std::vector<float> row = {90, 1, 2, 3, 90};
  const std::vector<int> ids = {3, 1};
  const std::vector<double> got = language_probabilities(row, ids);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_NEAR(got[0], 1 / (1 + std::exp(-2.0)), 1e-6);
  EXPECT_NEAR(got[0] + got[1], 1, 1e-6);
  EXPECT_THROW(language_probabilities(row, std::vector<int>{5}), ContractError);
  EXPECT_TRUE(language_probabilities(row, {}).empty());
}

TEST(Language, ASureWindowDecidesAtOnce) {
  const LanguageGuess got = vote_language(Windows{{0.4, 0.3, 0.3}, {0.1, 0.8, 0.1}, {0.9, 0.1, 0}});
  EXPECT_EQ(got.index, 1);
  EXPECT_EQ(got.probability, 0.8);
}

TEST(Language, UnsureWindowsVote) {
  const LanguageGuess got = vote_language(Windows{
      {0.2, 0.45, 0.35}, {0.4, 0.3, 0.3}, {0.42, 0.3, 0.28}, {0.3, 0.5, 0.2}, {0.41, 0.3, 0.29}});
  EXPECT_EQ(got.index, 0);
  EXPECT_EQ(got.probability, 0.42);
  EXPECT_EQ(vote_language(Windows{{0.2, 0.45, 0.35}, {0.4, 0.3, 0.3}}).index,
            1);  // the earlier of equals
  EXPECT_EQ(vote_language(Windows{{0.2, 0.45, 0.35}}).index, 1);
  EXPECT_EQ(vote_language({}).index, -1);
}

}  // namespace
}  // namespace maie::search
