// The samples are understood, in every way the recogniser can be run, and every run says the same.
// (Word error rates of the program, float32 beside int8: tests/tools/samples_test.py.)
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/e2e/asr/support.h"
#include "text/normalize.h"

namespace maie::e2e {
namespace {

// The first half minute under sanitizers, which is five sentences and a half.
audio::Clip dictation() {
  const audio::Clip whole = sample("dictation.mp3");
  if (!kSanitized) return whole;
  std::vector<float> samples(14 * audio::Clip::kRate);
  if (!whole.read(0, samples).ok()) throw std::runtime_error("the sample cannot be read");
  return audio::Clip::from_samples(samples);
}

double error_rate(const std::string& name, const pipeline::Transcript& transcript) {
  return text::word_error_rate(truth(name), text_of(transcript)).rate();
}

// Words that no truth has to be at hand for: times in order and inside the recording.
void expect_sane_times(const pipeline::Transcript& transcript, bool with_words) {
  double last = 0;
  for (const pipeline::Segment& segment : transcript.segments) {
    EXPECT_LE(segment.start_s, segment.end_s) << segment.text;
    EXPECT_GE(segment.start_s, last - 1e-6) << segment.text;
    EXPECT_LE(segment.end_s, transcript.duration_s) << segment.text;
    EXPECT_GE(segment.confidence, 0) << segment.text;
    EXPECT_LE(segment.confidence, 1) << segment.text;
    last = segment.start_s;
    if (!with_words) continue;
    std::string joined;
    double word_end = segment.start_s - 1e-6;
    for (const pipeline::Word& word : segment.words) {
      EXPECT_GE(word.start_s, word_end) << segment.text << ":" << word.text;
      EXPECT_LE(word.start_s, word.end_s) << segment.text << ":" << word.text;
      EXPECT_GT(word.probability, 0) << word.text;
      EXPECT_LE(word.probability, 1) << word.text;
      word_end = word.end_s - 1e-6;
      joined += word.text;
    }
    EXPECT_LE(word_end, segment.end_s + 1e-6) << segment.text;
    EXPECT_EQ(joined, segment.text);
  }
}

TEST(Samples, AreUnderstoodInEveryComputeType) {
  if (kSanitized) GTEST_SKIP() << "minutes of audio: the ordinary build listens to them";
  for (const ComputeType type :
       {ComputeType::kFloat32, ComputeType::kBFloat16, ComputeType::kInt8}) {
    const auto transcriber = load({.model_path = {}, .vad_model_path = {}, .compute_type = type});
    const pipeline::Transcript transcript = transcribe(*transcriber, dictation(), {});
    EXPECT_LE(error_rate("dictation", transcript), 0.03) << to_string(type) << text_of(transcript);
    expect_sane_times(transcript, false);
    EXPECT_TRUE(transcript.dropped.empty());
    EXPECT_TRUE(transcript.uncovered.empty());
  }
}

TEST(Samples, AreUnderstoodOneWindowAfterTheOther) {
  if (kSanitized) GTEST_SKIP() << "minutes of audio: the ordinary build listens to them";
  const auto transcriber = load_mini();
  pipeline::TranscribeOptions options;
  options.batched = false;
  options.word_timestamps = true;
  const pipeline::Transcript with_vad = transcribe(*transcriber, sample("manual.flac"), options);
  EXPECT_LE(error_rate("manual", with_vad), 0.08) << text_of(with_vad);
  expect_sane_times(with_vad, true);
  options.vad = false;
  const pipeline::Transcript without = transcribe(*transcriber, sample("manual.flac"), options);
  EXPECT_LE(error_rate("manual", without), 0.08) << text_of(without);
  EXPECT_EQ(without.vad, "off");
  expect_sane_times(without, true);
}

// Every sentence of manual.flac stands between pauses of 0.3 to 2 s, so where its sound begins and
// ends can be seen in the level alone.
TEST(Samples, WordsStandWhereTheyAreHeard) {
  if (kSanitized) GTEST_SKIP() << "minutes of audio: the ordinary build listens to them";
  const audio::Clip clip = sample("manual.flac");
  constexpr int64_t kStep = audio::Clip::kRate / 100;
  std::vector<float> samples(size_t(clip.size_samples()));
  ASSERT_TRUE(clip.read(0, samples).ok());
  std::vector<double> begins, ends;  // s, of sound with 0.25 s of hiss before and after
  int64_t last_sound = -1000;
  for (int64_t step = 0; (step + 1) * kStep <= int64_t(samples.size()); ++step) {
    double energy = 0;
    for (int64_t i = step * kStep; i < (step + 1) * kStep; ++i) {
      energy += double(samples[size_t(i)]) * double(samples[size_t(i)]);
    }
    if (energy / kStep < 1e-4) continue;  // the hiss lies at 1e-5
    if (step - last_sound > 25) {
      if (!begins.empty()) ends.push_back(double(last_sound + 1) / 100);
      begins.push_back(double(step) / 100);
    }
    last_sound = step;
  }
  ends.push_back(double(last_sound + 1) / 100);

  const auto transcriber = load_mini();
  pipeline::TranscribeOptions options;
  options.word_timestamps = true;
  const pipeline::Transcript transcript = transcribe(*transcriber, clip, options);
  expect_sane_times(transcript, true);
  const auto nearest = [](const std::vector<double>& marks, double time_s) {
    double distance = 1e9;
    for (const double mark : marks) distance = std::min(distance, std::abs(mark - time_s));
    return distance;
  };
  int sentences = 0, begin_there = 0, end_there = 0;
  for (const pipeline::Segment& segment : transcript.segments) {
    ASSERT_FALSE(segment.words.empty());
    ++sentences;
    begin_there += nearest(begins, segment.words.front().start_s) <= 0.15;
    end_there += nearest(ends, segment.words.back().end_s) <= 0.15;
  }
  EXPECT_GE(sentences, 35);
  EXPECT_GE(begin_there, 0.95 * sentences);
  EXPECT_GE(end_there, 0.9 * sentences);
}

TEST(Samples, TwoRunsSayTheSameToTheLastDigit) {
  const audio::Clip clip = dictation();
  pipeline::TranscribeOptions options;
  options.word_timestamps = true;
  const auto transcriber = load_mini();
  const std::string first = fingerprint(transcribe(*transcriber, clip, options));
  EXPECT_EQ(fingerprint(transcribe(*transcriber, clip, options)), first);
  EXPECT_EQ(fingerprint(transcribe(*load_mini(), clip, options)), first);
}

TEST(Samples, BatchSizeAndThreadsChangeNothing) {
  if (kSanitized) GTEST_SKIP() << "minutes of audio: the ordinary build listens to them";
  std::vector<float> minute(60 * audio::Clip::kRate);
  ASSERT_TRUE(sample("manual.flac").read(0, minute).ok());
  const audio::Clip clip = audio::Clip::from_samples(minute);
  for (const ComputeType type : {ComputeType::kFloat32, ComputeType::kInt8}) {
    pipeline::TranscriberOptions options;
    options.compute_type = type;
    const std::string expected = fingerprint(transcribe(*load(options), clip, {}));
    options.batch_size = 1;
    EXPECT_EQ(fingerprint(transcribe(*load(options), clip, {})), expected)
        << to_string(type) << ", one at a time";
    options.batch_size = 8;
    options.threads = 1;
    EXPECT_EQ(fingerprint(transcribe(*load(options), clip, {})), expected)
        << to_string(type) << ", one thread";
  }
}

TEST(Samples, SamplingRepeatsWithItsSeed) {
  pipeline::TranscribeOptions options;
  options.temperatures = {1.0};
  options.best_of = 2;
  options.log_prob_threshold = -100;
  options.clip = pipeline::ClipRange{0, 8};
  const auto transcriber = load_mini();
  const audio::Clip clip = sample("dictation.mp3");
  const std::string first = fingerprint(transcribe(*transcriber, clip, options));
  EXPECT_EQ(fingerprint(transcribe(*transcriber, clip, options)), first);
  EXPECT_NE(first, "");
}

}  // namespace
}  // namespace maie::e2e
