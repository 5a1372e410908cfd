#include "search/word_times.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/check.h"
#include "tests/search/golden.h"

namespace maie::search {
namespace {

TEST(WordTimes, MergesPunctuationAsFasterWhisperDoes) {
  const auto cases = golden("parts.json");
  ASSERT_FALSE(cases["punctuation"].empty());
  for (const auto& c : cases["punctuation"]) {
    std::vector<TimedWord> words;
    for (const auto& w : c["words"]) words.push_back({w, {1, 1}, 0, 0, 0});
    merge_punctuation(words);
    ASSERT_EQ(words.size(), c["merged"].size());
    for (size_t i = 0; i < words.size(); ++i) {
      EXPECT_EQ(words[i].text, c["merged"][i][0].get<std::string>()) << c.dump();
      EXPECT_EQ(words[i].tokens.size(), c["merged"][i][1].get<size_t>());
    }
  }
}

TEST(WordTimes, AreThoseOfFasterWhisper) {
  int compared = 0;
  const auto cases = golden("parts.json");
  ASSERT_FALSE(cases["word_times"].empty());
  for (const auto& c : cases["word_times"]) {
    std::vector<PathStep> path;
    for (size_t i = 0; i < c["path"].size(); ++i) path.push_back({c["rows"][i], c["path"][i]});
    std::vector<WordTokens> runs;
    for (const auto& w : c["words"])
      runs.push_back({w[0], std::vector<int>(w[1].get<size_t>(), 1)});
    std::vector<TimedWord> words = time_words(path, runs, c["probs"].get<std::vector<float>>());
    const DurationLimits limits = limit_durations(words);
    merge_punctuation(words);
    std::vector<TimedSegment> segments;
    for (const auto& s : c["before"]) {
      segments.push_back({s["start"], s["end"], c["seek"], s["text_tokens"], {}});
    }
    const double end = attach_words(words, limits, c["last_speech"], segments);
    EXPECT_DOUBLE_EQ(end, c["new_last_speech"].get<double>());
    for (size_t i = 0; i < segments.size(); ++i) {
      const auto& want = c["after"][i];
      EXPECT_NEAR(segments[i].start, want["start"].get<double>(), 1e-9);
      EXPECT_NEAR(segments[i].end, want["end"].get<double>(), 1e-9);
      ASSERT_EQ(segments[i].words.size(), want["words"].size());
      for (size_t k = 0; k < segments[i].words.size(); ++k) {
        const TimedWord& word = segments[i].words[k];
        EXPECT_EQ(word.text, want["words"][k][0].get<std::string>());
        EXPECT_NEAR(word.start, want["words"][k][1].get<double>(), 1e-9);
        EXPECT_NEAR(word.end, want["words"][k][2].get<double>(), 1e-9);
        EXPECT_NEAR(word.probability, want["words"][k][3].get<double>(), 1e-6);
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 150);
}

TEST(WordTimes, TextProbabilityLooksAtTextOnly) {
  const std::vector<float> row = {0, 1, 2, 50, 60};
  EXPECT_NEAR(text_probability(row, 1, 3), std::exp(1) / (1 + std::exp(1) + std::exp(2)), 1e-6);
  EXPECT_THROW(text_probability(row, 3, 3), ContractError);
  EXPECT_THROW(text_probability(row, 0, 6), ContractError);
}

TEST(WordTimes, NothingInNothingOut) {
  std::vector<TimedWord> none;
  EXPECT_TRUE(time_words({}, {}, {}).empty());
  EXPECT_EQ(limit_durations(none).median, 0);
  merge_punctuation(none);
  TimedSegment segment{1, 2, 100, 3, {}};
  EXPECT_EQ(attach_words(none, {}, 0.5, {&segment, 1}), 0.5);
  EXPECT_EQ(segment.start, 1);
  const std::vector<PathStep> path = {{0, 0}, {1, 5}};
  const std::vector<WordTokens> word = {{" a", {1}}};
  EXPECT_THROW(time_words(path, word, std::vector<float>{0.5f, 0.5f}), ContractError);
  EXPECT_THROW(time_words(path, std::vector<WordTokens>{{" a", {}}}, std::vector<float>{0.5f}),
               ContractError);
}

TimedSegment said(double start, double end, double probability) {
  return {start, end, 0, 1, {{" word", {1}, start, end, probability}}};
}

constexpr WindowPlace kWindow{0, 3000, 20000};

TEST(Silence, AnomalyOfAWord) {
  EXPECT_DOUBLE_EQ(word_anomaly({" a", {}, 0, 0.5, 0.9}), 0);
  EXPECT_DOUBLE_EQ(word_anomaly({" a", {}, 0, 0.5, 0.1}), 1);
  EXPECT_NEAR(word_anomaly({" a", {}, 0, 0.033, 0.1}), 2.5, 1e-9);
  EXPECT_DOUBLE_EQ(word_anomaly({" a", {}, 0, 3.5, 0.9}), 1.5);
}

TEST(Silence, ALateFirstHallucinationDropsTheWindow) {
  const std::vector<TimedSegment> segments = {said(5, 5.3, 0.1), said(20, 20.5, 0.9)};
  const SilenceVerdict v = judge_silence(segments, kWindow, 2, 0);
  EXPECT_TRUE(v.drop_window);
  EXPECT_EQ(v.keep, 0u);
  EXPECT_EQ(*v.seek, 500);
}

TEST(Silence, AHallucinationBetweenSilencesIsCutWithAllBehindIt) {
  const std::vector<TimedSegment> segments = {said(0.5, 1, 0.9), said(10, 10.3, 0.1),
                                              said(20, 20.5, 0.9)};
  const SilenceVerdict v = judge_silence(segments, kWindow, 2, 0);
  EXPECT_FALSE(v.drop_window);
  EXPECT_EQ(v.keep, 1u);
  EXPECT_EQ(*v.seek, 1000);
}

TEST(Silence, AtTheEndOfTheContentTheRestIsSkipped) {
  const std::vector<TimedSegment> segments = {said(0.5, 1, 0.9), said(10, 10.3, 0.1)};
  const SilenceVerdict v = judge_silence(segments, {0, 1100, 1100}, 2, 0);
  EXPECT_FALSE(v.seek);  // 0.7 s behind it are no silence, and the window goes on to 30 s
  const SilenceVerdict at_end = judge_silence(segments, {0, 1100, 1100}, 0.5, 0);
  EXPECT_EQ(*at_end.seek, 1100 - 100);
  const std::vector<TimedSegment> late = {said(0.5, 1, 0.9), said(28, 28.4, 0.1)};
  EXPECT_EQ(*judge_silence(late, {0, 2900, 2900}, 2, 0).seek, 2900);
}

TEST(Silence, LikelyOrEnclosedSpeechStays) {
  EXPECT_FALSE(judge_silence(std::vector<TimedSegment>{said(5, 5.3, 0.9), said(10, 10.3, 0.8)},
                             kWindow, 2, 0)
                   .seek);
  EXPECT_FALSE(judge_silence(std::vector<TimedSegment>{said(3, 4, 0.9), said(4.2, 4.5, 0.1),
                                                       said(4.7, 5, 0.9)},
                             kWindow, 2, 0)
                   .seek);
  EXPECT_FALSE(judge_silence({}, kWindow, 2, 0).seek);
  // Segments without words neither count nor break the chain.
  EXPECT_FALSE(judge_silence(std::vector<TimedSegment>{{0, 1, 0, 0, {}}}, kWindow, 2, 0).seek);
}

TEST(Silence, TheEndOfSpeechBeforeTheWindowCounts) {
  const std::vector<TimedSegment> segments = {said(103, 103.3, 0.1), said(110, 110.3, 0.9)};
  const WindowPlace window{10050, 3000, 20000};
  // 2.5 s into the window: not "at its start"; only the distance to earlier speech decides.
  EXPECT_FALSE(judge_silence(segments, window, 3, 102).seek);
  EXPECT_EQ(*judge_silence(segments, window, 3, 99).seek, 10300);
}

}  // namespace
}  // namespace maie::search
