#include "summary/sources.h"

#include <gtest/gtest.h>

#include <chrono>

namespace maie::summary {
namespace {

const Transcript kTalk{
    {{"S0", 0, 10, "Good morning. Today we talk about the budget for spring."},
     {"S1", 10, 20, "The budget was too small last year. We had to borrow."},
     {"S0", 20, 30, "So we raise it to 40 thousand. Lan writes to the bank by Friday."},
     {"S1", 30, 40, "And the picnic is on Sunday at the lake."}},
    false};

TEST(PassageFinder, FindsWhereAThingWasSaid) {
  const PassageFinder finder(kTalk);
  const auto bank = finder.find("Write to the bank: Lan, Friday", 0, 3);
  ASSERT_TRUE(bank);
  EXPECT_EQ(bank->first_turn, 2u);
  EXPECT_GT(bank->start_s, 23) << "the second sentence of the turn";
  EXPECT_LE(bank->end_s, 30);
  EXPECT_GT(bank->score, 0.5);
  const auto picnic = finder.find("Picnic at the lake", 0, 3);
  ASSERT_TRUE(picnic);
  EXPECT_EQ(picnic->first_turn, 3u);
  EXPECT_DOUBLE_EQ(picnic->start_s, 30);
}

TEST(PassageFinder, JoinsNeighboursThatAddToIt) {
  const auto both =
      PassageFinder(kTalk).find("Budget raised to 40 thousand, Lan writes to the bank", 0, 3);
  ASSERT_TRUE(both);
  EXPECT_DOUBLE_EQ(both->start_s, 20);
  EXPECT_DOUBLE_EQ(both->end_s, 30);
}

TEST(PassageFinder, KeepsToItsTurnsAndFindsNothingThatIsNotThere) {
  const PassageFinder finder(kTalk);
  EXPECT_FALSE(finder.find("Write to the bank: Lan, Friday", 0, 1));
  EXPECT_FALSE(finder.find("Die Straßenbahn fährt heute nicht", 0, 3));
  EXPECT_FALSE(finder.find("", 0, 3));
  EXPECT_FALSE(PassageFinder({}).find("budget", 0, 0));
  EXPECT_TRUE(finder.find("Sunday", 0, 3)) << "one word that is there is enough for one word";
}

TEST(PassageFinder, WithoutTimesTheTurnsAreKnown) {
  Transcript plain = kTalk;
  for (Turn& turn : plain.turns) turn.start_s = turn.end_s = 0;
  const auto found = PassageFinder(plain).find("Picnic at the lake", 0, 3);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->last_turn, 3u);
  EXPECT_EQ(found->end_s, 0);
}

TEST(PassageFinder, LongTranscriptsTakeNoTime) {
  Transcript transcript;
  for (int i = 0; i < 50'000; ++i) {
    transcript.turns.push_back(
        {"S0", i * 1.0, i + 0.9, "the matter of number " + std::to_string(i) + " is the next"});
  }
  const auto start = std::chrono::steady_clock::now();
  const PassageFinder finder(transcript);
  for (int i = 0; i < 500; ++i) {
    const auto found = finder.find("the matter of number " + std::to_string(i * 97), 0, 50'000);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->first_turn, size_t(i * 97));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace maie::summary
