// Words lose the silence around them, and nothing else.
#include "pipeline/voice.h"

#include <gtest/gtest.h>

namespace maie::pipeline {
namespace {

constexpr int64_t kRate = audio::Clip::kRate;
constexpr double kWindow_s = double(audio::kVadWindow) / kRate;  // a detector is that late

// Voice from 1 to 2 s and from 3 to 4 s.
const std::vector<SampleSpan> kSounding = {{kRate, 2 * kRate}, {3 * kRate, 4 * kRate}};

void expect_word(search::TimeSpan word, double start, double end) {
  const search::TimeSpan trimmed = without_silence(word, kSounding);
  EXPECT_NEAR(trimmed.start, start, 0.006);  // rounded to 2 decimals
  EXPECT_NEAR(trimmed.end, end, 0.006);
}

TEST(WithoutSilence, AWordWithinTheVoiceStaysAsItIs) { expect_word({1.2, 1.8}, 1.2, 1.8); }

TEST(WithoutSilence, StartAndEndMoveToTheVoice) {
  expect_word({0.4, 1.5}, 1 - kWindow_s, 1.5);
  expect_word({1.5, 2.6}, 1.5, 2);
  expect_word({0.1, 2.9}, 1 - kWindow_s, 2);
}

TEST(WithoutSilence, OfTwoStretchesTheLongerCounts) {
  expect_word({1.9, 3.5}, 3 - kWindow_s, 3.5);
  expect_word({1.2, 3.2}, 1.2, 2);
}

TEST(WithoutSilence, AWordOfSilenceAloneStaysAsItIs) {
  expect_word({2.2, 2.8}, 2.2, 2.8);
  expect_word({5, 6}, 5, 6);
  expect_word({0, 0.5}, 0, 0.5);
}

TEST(WithoutSilence, NoVoiceNoChange) {
  const search::TimeSpan word = without_silence({1, 2}, {});
  EXPECT_EQ(word.start, 1);
  EXPECT_EQ(word.end, 2);
}

}  // namespace
}  // namespace maie::pipeline
