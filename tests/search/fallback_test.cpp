#include "search/fallback.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/check.h"
#include "tests/search/golden.h"

namespace maie::search {
namespace {

std::optional<double> threshold(const nlohmann::json& value) {
  if (value.is_null()) return std::nullopt;
  return value.get<double>();
}

TEST(Fallback, WalksTheLadderAsFasterWhisperDoes) {
  int all_failed = 0;
  const auto cases = golden("parts.json");
  ASSERT_FALSE(cases["fallback"].empty());
  for (const auto& c : cases["fallback"]) {
    const Gates gates{threshold(c["gates"][0]), threshold(c["gates"][1]), threshold(c["gates"][2])};
    std::vector<Attempt> attempts;
    bool accepted = false;
    for (const auto& a : c["attempts"]) {
      attempts.push_back({a["avg"].is_null() ? std::nan("") : a["avg"].get<double>(),
                          a["ratio"].get<double>(), a["no_speech"].get<double>()});
      accepted = judge(attempts.back(), gates) != Verdict::kRetry;
      if (accepted) break;
    }
    EXPECT_EQ(attempts.size(), c["served"].get<size_t>());
    const size_t chosen = accepted ? attempts.size() - 1 : choose_failed(attempts, gates);
    EXPECT_EQ(chosen, c["chosen"].get<size_t>()) << c.dump();
    all_failed += !accepted;
  }
  EXPECT_GT(all_failed, 5);
}

TEST(Fallback, SilenceIsAcceptedOnlyWhenTheTextIsUnlikely) {
  EXPECT_EQ(judge({-1.5, 1.0, 0.7}, {}), Verdict::kAcceptSilence);
  EXPECT_EQ(judge({-1.5, 9.0, 0.7}, {}), Verdict::kAcceptSilence);
  EXPECT_EQ(judge({-1.5, 1.0, 0.6}, {}), Verdict::kRetry);
  EXPECT_EQ(judge({-0.5, 9.0, 0.7}, {}), Verdict::kRetry);
  EXPECT_EQ(judge({-1.0, 2.4, 0.0}, {}), Verdict::kAccept);
}

TEST(Fallback, AStoppedLoopIsRetriedAndChosenLast) {
  const Attempt looped{-0.1, 1.0, 0.0, true};
  EXPECT_EQ(judge(looped, {}), Verdict::kRetry);
  EXPECT_EQ(choose_failed(std::vector<Attempt>{looped, {-3.0, 1.0, 0.0}}, {}), 1u);
  EXPECT_EQ(choose_failed(std::vector<Attempt>{looped, {-3.0, 9.0, 0.0}}, {}), 0u);
  EXPECT_THROW(choose_failed({}, {}), ContractError);
}

TEST(Fallback, AWindowIsSilentUnlessItsTextIsLikely) {
  EXPECT_TRUE(is_silent({-1.2, 0, 0.7}, {}));
  EXPECT_TRUE(is_silent({-1.0, 0, 0.7}, {}));
  EXPECT_FALSE(is_silent({-0.9, 0, 0.7}, {}));
  EXPECT_FALSE(is_silent({-1.2, 0, 0.6}, {}));
  EXPECT_TRUE(is_silent({std::nan(""), 0, 0.7}, {}));  // no tokens: nothing to rescue it
  EXPECT_TRUE(is_silent({-0.1, 0, 0.7}, {.log_prob = std::nullopt}));
  EXPECT_FALSE(is_silent({-1.2, 0, 0.9}, {.no_speech = std::nullopt}));
}

}  // namespace
}  // namespace maie::search
