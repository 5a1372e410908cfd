#include "search/alignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "tests/search/golden.h"

namespace maie::search {
namespace {

using Pairs = std::vector<std::pair<int, int>>;

Pairs pairs(const std::vector<PathStep>& path) {
  Pairs out;
  for (const PathStep& s : path) out.emplace_back(s.token, s.frame);
  return out;
}

TEST(Alignment, MatrixAndPathEqualNumpy) {
  const auto cases = golden("alignment.json");
  ASSERT_FALSE(cases["matrices"].empty());
  for (const auto& c : cases["matrices"]) {
    const int heads = c["heads"], tokens = c["tokens"], frames = c["frames"];
    std::vector<float> scores =
        golden_numbers(100 + c["case"].get<int>(), 0, size_t(heads) * tokens * frames);
    for (size_t i = 0; i < scores.size(); ++i) {
      const int f = int(i % frames), t = int(i / frames % tokens);
      scores[i] = scores[i] * 4 + (std::abs(f * tokens - t * frames) < 2 * frames ? 3.0f : 0.0f);
    }
    const std::vector<float> got =
        alignment_matrix({scores, heads, tokens, frames}, c["first"], c["count"]);
    const auto want = c["matrix"].get<std::vector<float>>();
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(got[i], want[i], 5e-5) << c["case"] << " " << i;
    EXPECT_EQ(pairs(best_path(got, c["count"], frames)), c["path"].get<Pairs>());
  }
}

TEST(Alignment, PathEqualsThePlainRecurrence) {
  const auto cases = golden("alignment.json");
  ASSERT_FALSE(cases["paths"].empty());
  for (const auto& c : cases["paths"]) {
    std::vector<float> m = golden_numbers(200 + c["case"].get<int>(), 0,
                                          c["tokens"].get<size_t>() * c["frames"].get<size_t>());
    if (c["halves"] == 1) {
      for (float& v : m) v = std::nearbyint(v * 2) / 2;
    }
    EXPECT_EQ(pairs(best_path(m, c["tokens"], c["frames"])), c["path"].get<Pairs>());
  }
}

// All monotone paths of a small matrix, one by one.
double best_by_trying(const std::vector<float>& m, int tokens, int frames, int t, int f) {
  const double here = m[t * frames + f];
  if (t == tokens - 1 && f == frames - 1) return here;
  double best = -std::numeric_limits<double>::infinity();
  if (t + 1 < tokens) best = std::max(best, best_by_trying(m, tokens, frames, t + 1, f));
  if (f + 1 < frames) best = std::max(best, best_by_trying(m, tokens, frames, t, f + 1));
  if (t + 1 < tokens && f + 1 < frames)
    best = std::max(best, best_by_trying(m, tokens, frames, t + 1, f + 1));
  return here + best;
}

TEST(Alignment, PathIsTheBestOfAllPaths) {
  for (int seed = 0; seed < 40; ++seed) {
    const int tokens = 1 + seed % 5, frames = 1 + seed / 5;
    const std::vector<float> m = golden_numbers(seed, 7, size_t(tokens) * frames);
    double sum = 0;
    for (const PathStep& s : best_path(m, tokens, frames)) sum += m[s.token * frames + s.frame];
    EXPECT_NEAR(sum, best_by_trying(m, tokens, frames, 0, 0), 1e-5);
  }
}

TEST(Alignment, SurvivesValuesThatAreNoNumbers) {
  const std::vector<float> m(12, std::nanf(""));
  const auto path = best_path(m, 3, 4);
  EXPECT_EQ(path.front().token + path.front().frame, 0);
  EXPECT_EQ(path.back().token, 2);
  EXPECT_EQ(path.back().frame, 3);
  EXPECT_TRUE(best_path({}, 0, 5).empty());
}

TEST(Alignment, MedianEqualsASort) {
  for (const size_t size : {4, 5, 7, 8, 15, 16, 17, 31, 33, 1500}) {
    const std::vector<float> row = golden_numbers(size, 5, size);
    std::vector<float> got(size, std::nanf(""));
    median_filter_7(row, got);
    for (int i = 0; i < int(size); ++i) {
      std::vector<float> near;
      for (int k = i - 3; k <= i + 3; ++k) {
        const int j = k < 0 ? -k : k >= int(size) ? 2 * int(size) - 2 - k : k;
        near.push_back(row[j]);
      }
      std::sort(near.begin(), near.end());
      EXPECT_EQ(got[i], near[3]) << size << " " << i;
    }
  }
}

TEST(Alignment, RefusesSizesThatDoNotFit) {
  std::vector<float> scores(24);
  EXPECT_THROW(alignment_matrix({scores, 2, 3, 5}, 0, 1), ContractError);
  EXPECT_THROW(alignment_matrix({scores, 2, 3, 4}, 2, 2), ContractError);
  EXPECT_THROW(alignment_matrix({scores, 0, 3, 4}, 0, 1), ContractError);
  EXPECT_THROW(best_path(scores, 5, 5), ContractError);
}

}  // namespace
}  // namespace maie::search
