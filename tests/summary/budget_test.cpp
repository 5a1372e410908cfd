#include "summary/budget.h"

#include <gtest/gtest.h>

namespace maie::summary {
namespace {

// The vectors of docs/spec/service.md, 4.9.
TEST(AnswerBudget, KeepsTheVectorsOfTheSpecification) {
  const auto enhancement = [](int64_t n, int64_t context) {
    return answer_budget(Task::kEnhancement, n, context);
  };
  EXPECT_EQ(enhancement(5, 1000), 256);
  EXPECT_EQ(enhancement(1000, 2000), 872);
  EXPECT_EQ(enhancement(500, 32768), 614);
  EXPECT_EQ(enhancement(10000, 32768), 11064);
  EXPECT_EQ(enhancement(30000, 32768), 2640);
  EXPECT_EQ(enhancement(32000, 32768), 640);
  EXPECT_EQ(enhancement(2000, 4096), 1968);
  EXPECT_EQ(enhancement(500, 1024), 396);
  EXPECT_EQ(answer_budget(Task::kSummary, 10, 32768), 128);
  EXPECT_EQ(answer_budget(Task::kSummary, 1000, 2000), 300);
  EXPECT_EQ(answer_budget(Task::kSummary, 10000, 32768), 3000);
}

TEST(TokensToAsk, RefusesWhatLeavesLessThanTheLeastAnswer) {
  const auto none = tokens_to_ask(Task::kSummary, 873, 1000 + 128, 0);
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code(), Code::kInvalidInput);
  EXPECT_EQ(none.error().message().find("Input exceeds model context"), 0u)
      << none.error().message();
  EXPECT_EQ(*tokens_to_ask(Task::kSummary, 872, 1000 + 128, 0), 128);
  EXPECT_FALSE(tokens_to_ask(Task::kEnhancement, 745, 1000 + 128, 0).has_value());
  EXPECT_EQ(*tokens_to_ask(Task::kEnhancement, 744, 1000 + 128, 0), 256);
}

TEST(TokensToAsk, GivesSummariesFiveHundredTokensWhereTheyFit) {
  EXPECT_EQ(*tokens_to_ask(Task::kSummary, 10, 32768, 0), 1024) << "short talk, many lists";
  EXPECT_EQ(*tokens_to_ask(Task::kSummary, 10, 10 + 128 + 700, 0), 700) << "what there is";
  EXPECT_EQ(*tokens_to_ask(Task::kSummary, 10, 32768, 300), 300);
  EXPECT_EQ(*tokens_to_ask(Task::kSummary, 1000, 1528, 0), 400);
  EXPECT_EQ(*tokens_to_ask(Task::kSummary, 10000, 32768, 0), 3000);
  EXPECT_EQ(*tokens_to_ask(Task::kSummary, 10000, 32768, 700), 700) << "the configured cap";
}

TEST(LeavesRoom, HoldsTheWholeAnswer) {
  // An enhancement of n tokens wants 1.1 n + 64: (32768 - 128 - 64) / 2.1 = 15512.4.
  EXPECT_TRUE(leaves_room(Task::kEnhancement, 15512, 32768));
  EXPECT_FALSE(leaves_room(Task::kEnhancement, 15513, 32768));
  // A summary wants 0.3 n: 25,108 tokens want 7,532 and leave as many.
  EXPECT_TRUE(leaves_room(Task::kSummary, 25108, 32768));
  EXPECT_FALSE(leaves_room(Task::kSummary, 25109, 32768));
  // In a short context no more than a quarter of it.
  EXPECT_TRUE(leaves_room(Task::kSummary, 1024 - 128 - 256, 1024));
  EXPECT_FALSE(leaves_room(Task::kSummary, 1024 - 128 - 255, 1024));
  EXPECT_FALSE(leaves_room(Task::kSummary, 1000, 1000));
}

}  // namespace
}  // namespace maie::summary
