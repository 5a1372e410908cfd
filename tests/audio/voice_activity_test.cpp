#include "audio/voice_activity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

#include "base/file.h"
#include "base/json.h"

namespace maie::audio {
namespace {

std::vector<SampleSpan> spans_of(const Json& list) {
  std::vector<SampleSpan> spans;
  for (const Json& span : list) spans.push_back({span[0].get<int64_t>(), span[1].get<int64_t>()});
  return spans;
}

std::string text_of(const std::vector<SampleSpan>& spans) {
  std::string text;
  for (const SampleSpan& span : spans) {
    text += '[';
    text += std::to_string(span.begin);
    text += ',';
    text += std::to_string(span.end);
    text += ']';
  }
  return text;
}

TEST(SpeechSpans, EqualThoseOfThePeersInBothRules) {
  const auto text =
      read_file(std::string(MAIE_SOURCE_DIR) + "/tests/golden/vad/spans.json", 16 << 20);
  ASSERT_TRUE(text.has_value()) << text.error().message();
  const auto cases = parse_json(*text);
  ASSERT_TRUE(cases.has_value()) << cases.error().message();
  ASSERT_GE(cases->size(), 300u);
  int number = 0;
  for (const Json& item : *cases) {
    VadParameters p;
    p.threshold = item["threshold"].get<double>();
    if (!item["neg_threshold"].is_null()) p.neg_threshold = item["neg_threshold"].get<double>();
    p.min_speech_ms = item["min_speech_ms"].get<double>();
    if (!item["max_speech_s"].is_null()) p.max_speech_s = item["max_speech_s"].get<double>();
    p.min_silence_ms = item["min_silence_ms"].get<double>();
    p.speech_pad_ms = item["speech_pad_ms"].get<double>();
    std::vector<float> probabilities;
    for (const Json& value : item["p"]) probabilities.push_back(value.get<float>() / 1024.0f);
    const int64_t length = item["length"].get<int64_t>();

    EXPECT_EQ(text_of(speech_spans(probabilities, length, p)), text_of(spans_of(item["last"])))
        << "case " << number;
    p.cut_in_longest_silence = true;
    EXPECT_EQ(text_of(speech_spans(probabilities, length, p)), text_of(spans_of(item["longest"])))
        << "case " << number;
    ++number;
  }
}

TEST(SpeechSpans, CountSamplesBeyond32Bits) {
  std::vector<float> probabilities(6'000'000, 0.0f);  // 53 hours
  for (size_t i = 5'000'000; i < 5'000'010; ++i) probabilities[i] = 1.0f;
  const auto spans = speech_spans(probabilities, 6'000'000 * kVadWindow, {.speech_pad_ms = 0});
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0], (SampleSpan{5'000'000 * kVadWindow, 5'000'010 * kVadWindow}));
}

TEST(SpeechIterator, TellsStartsAndEndsAsSpecified) {
  SpeechIterator iterator;
  std::vector<std::pair<int, SpeechIterator::Event>> events;
  int window = 0;
  const auto feed = [&](float p, int count) {
    for (int i = 0; i < count; ++i, ++window) {
      if (const auto event = iterator.push(p)) events.push_back({window, *event});
    }
  };
  using Kind = SpeechIterator::Event::Kind;
  feed(0.9f, 1);  // window 0 starts at sample 0: the pad is cut off there
  feed(0.1f, 3);  // pause of 3 windows: 96 ms, too short
  feed(0.9f, 2);
  feed(0.4f, 10);  // neither speech nor silence
  feed(0.1f, 6);   // ends when 4 windows have passed since its first: 16..20
  feed(0.9f, 1);   // window 22
  feed(0.1f, 4);   // no end yet
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].second, (SpeechIterator::Event{Kind::kStart, 0}));
  EXPECT_EQ(events[1].first, 20);
  EXPECT_EQ(events[1].second, (SpeechIterator::Event{Kind::kEnd, 17 * 512 + 480 - 512}));
  EXPECT_EQ(events[2].first, 22);
  EXPECT_EQ(events[2].second, (SpeechIterator::Event{Kind::kStart, 23 * 512 - 480 - 512}));
  EXPECT_TRUE(iterator.speaking());
}

// Recordings that hold no voice, as functions of the sample number; deterministic.
class Noise {
 public:
  float white() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return float(double(state_ >> 11) / double(1ull << 53) * 2 - 1);
  }
  float brown() { return low_ = 0.998f * low_ + 0.06f * white(); }
  float pink() {  // three first-order filters: -3 dB per octave within 1 dB
    const float w = white();
    a_ = 0.99765f * a_ + w * 0.0990460f;
    b_ = 0.96300f * b_ + w * 0.2965164f;
    c_ = 0.57000f * c_ + w * 1.0526913f;
    return 0.12f * (a_ + b_ + c_ + w * 0.1848f);
  }

 private:
  uint64_t state_ = 1;
  float low_ = 0, a_ = 0, b_ = 0, c_ = 0;
};

std::vector<float> record(double seconds, const std::function<float(int64_t, double)>& sample) {
  std::vector<float> samples(size_t(seconds * 16000));
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = std::clamp(sample(int64_t(i), double(i) / 16000), -1.0f, 1.0f);
  }
  return samples;
}

std::vector<float> scores_of(std::span<const float> samples, size_t piece = 16000) {
  EnergyGate gate;
  std::vector<float> scores;
  for (size_t at = 0; at < samples.size(); at += piece) {
    gate.push(samples.subspan(at, std::min(piece, samples.size() - at)), scores);
  }
  gate.finish(scores);
  return scores;
}

std::vector<SampleSpan> heard(std::span<const float> samples) {
  return speech_spans(scores_of(samples), int64_t(samples.size()), VadParameters::batched());
}

// The share of `want` (by windows) that the spans cover.
double recall(const std::vector<SampleSpan>& spans, const std::vector<SampleSpan>& want) {
  int64_t all = 0, found = 0;
  for (const SampleSpan& region : want) {
    for (int64_t at = region.begin; at < region.end; at += 160) {
      ++all;
      found += std::any_of(spans.begin(), spans.end(), [&](const SampleSpan& span) {
        return at >= span.begin && at < span.end;
      });
    }
  }
  return all == 0 ? 1.0 : double(found) / double(all);
}

struct Voiceless {
  const char* name;
  std::function<std::function<float(int64_t, double)>(float level)> make;
};

std::vector<Voiceless> voiceless() {
  const double kTurn = 2 * M_PI;
  const auto sweep = [=](double length) {
    return [=](float level) {
      return [=](int64_t, double t) {  // 20 Hz to 7.9 kHz, evenly in octaves
        const double part = std::fmod(t, length) / length;
        return level *
               float(std::sin(kTurn * 20 * length / std::log(395.0) * (std::pow(395.0, part) - 1)));
      };
    };
  };
  return {
      {"silence", [](float) { return [](int64_t, double) { return 0.0f; }; }},
      {"constant", [](float level) { return [=](int64_t, double) { return level; }; }},
      {"white",
       [](float level) {
         return [=, n = Noise()](int64_t, double) mutable { return level * n.white(); };
       }},
      {"pink",
       [](float level) {
         return [=, n = Noise()](int64_t, double) mutable { return level * n.pink(); };
       }},
      {"brown",
       [](float level) {
         return [=, n = Noise()](int64_t, double) mutable { return level * n.brown(); };
       }},
      {"hum",
       [=](float level) {
         return [=](int64_t, double t) {
           double sum = 0;
           for (int k = 1; k <= 12; ++k) sum += std::sin(kTurn * 50 * k * t + k) / k;
           return level * 0.6f * float(sum);
         };
       }},
      {"pure hum",
       [=](float level) {
         return [=](int64_t, double t) { return level * float(std::sin(kTurn * 50 * t)); };
       }},
      {"tone",
       [=](float level) {
         return [=](int64_t, double t) { return level * float(std::sin(kTurn * 440 * t)); };
       }},
      {"beeps",
       [=](float level) {
         return [=](int64_t, double t) {
           return std::fmod(t, 1.0) < 0.4 ? level * float(std::sin(kTurn * 1000 * t)) : 0.0f;
         };
       }},
      {"bursts of noise",
       [](float level) {
         return [=, n = Noise()](int64_t, double t) mutable {
           return std::fmod(t, 0.5) < 0.2 ? level * n.white() : 0.001f * n.white();
         };
       }},
      {"sweep of 2 s", sweep(2)},
      {"sweep of 20 s", sweep(20)},
      {"clicks in step",
       [](float level) { return [=](int64_t i, double) { return i % 8000 < 3 ? level : 0.0f; }; }},
      {"clicks at random",
       [](float level) {
         return [=, n = Noise()](int64_t, double) mutable {
           return n.white() > 0.999f ? level : 0.0f;
         };
       }},
  };
}

TEST(EnergyGate, HearsNoSpeechInNoiseOfAnyLevel) {
  for (const Voiceless& kind : voiceless()) {
    for (const float level : {0.9f, 0.05f, 0.002f}) {
      const std::vector<float> samples = record(30, kind.make(level));
      const auto spans = heard(samples);
      EXPECT_TRUE(spans.empty()) << kind.name << " at " << level << ": " << text_of(spans);
    }
  }
}

TEST(EnergyGate, DoesNotDependOnThePiecesAndGivesOneScoreAWindow) {
  Noise noise;
  const std::vector<float> samples = record(7.3, [&](int64_t, double t) {
    double sum = 0.02 * double(noise.white());  // something like a voice in it, so that scores vary
    const double turns =
        120 * t - 20.0 / 9 * std::cos(9 * t);  // the pitch swings between 100 and 140 Hz
    if (std::fmod(t, 1.5) < 0.8) {
      for (int k = 1; k < 20; ++k)
        sum += 0.05 * std::sin(2 * M_PI * turns * k) / std::sqrt(double(k));
    }
    return float(sum);
  });
  // The gliding, rich, interrupted pitch is heard; so the comparison is not one of zeros.
  const auto spans = heard(samples);
  EXPECT_GE(recall(spans, {{0, 12800}, {24000, 36800}, {48000, 60800}}), 0.9) << text_of(spans);
  for (const size_t length :
       {size_t{0}, size_t{1}, size_t{511}, size_t{512}, size_t{513}, samples.size()}) {
    const std::span<const float> part = std::span(samples).first(length);
    const std::vector<float> want = scores_of(part);
    EXPECT_EQ(want.size(), (length + 511) / 512);
    for (const size_t piece : {size_t{1}, size_t{160}, size_t{512}, size_t{100'000}}) {
      EXPECT_EQ(scores_of(part, piece), want) << length << " samples in pieces of " << piece;
    }
  }
}

TEST(EnergyGate, SurvivesSamplesThatAreNoNumbers) {
  std::vector<float> samples =
      record(5, [n = Noise()](int64_t, double) mutable { return n.white(); });
  for (size_t i = 0; i < samples.size(); i += 97) {
    const float bad[] = {std::nanf(""), INFINITY, -INFINITY, 3e38f};
    samples[i] = bad[i % 4];
  }
  for (const float score : scores_of(samples)) EXPECT_TRUE(score >= 0.0f && score <= 1.0f) << score;
}

std::vector<float> read_pcm16(const std::string& path) {
  const auto file = read_file(path, 64 << 20);
  std::vector<float> samples;
  if (!file.has_value()) return samples;
  const size_t data = file->find("data");
  for (size_t at = data + 8; at + 2 <= file->size(); at += 2) {
    int16_t value = 0;
    std::memcpy(&value, file->data() + at, 2);
    samples.push_back(float(value) / 32768.0f);
  }
  return samples;
}

TEST(EnergyGate, HearsRealSpeechAtAnyLevelAndInNoise) {
  const char* data = std::getenv("MAIE_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "MAIE_TEST_DATA is not set";
  const std::vector<float> speech = read_pcm16(std::string(data) + "/audio/jfk.wav");
  if (speech.empty()) GTEST_SKIP() << "MAIE_TEST_DATA has no audio/jfk.wav";
  // Where the Silero network is sure, to the tenth of a second.
  const std::vector<SampleSpan> want = {
      {5600, 35200}, {52800, 70400}, {86400, 122400}, {130400, 166400}};
  std::vector<float> padded(32000, 0.0f);
  padded.insert(padded.end(), speech.begin(), speech.end());
  padded.resize(padded.size() + 32000, 0.0f);
  std::vector<SampleSpan> shifted = want;
  for (SampleSpan& span : shifted) span = {span.begin + 32000, span.end + 32000};
  double energy = 0;
  for (const float sample : speech)
    energy += double(sample) * double(sample) / double(speech.size());

  for (const float level : {1.5f, 0.3f, 0.03f}) {  // the last one: about -45 dBFS
    for (const bool noisy : {false, true}) {
      Noise noise;
      std::vector<float> samples = padded;
      const float amplitude = float(std::sqrt(3 * energy) * std::pow(10, -15.0 / 20));
      for (float& sample : samples) {
        sample =
            std::clamp(level * (sample + (noisy ? amplitude * noise.white() : 0)), -1.0f, 1.0f);
      }
      EXPECT_GE(recall(heard(samples), shifted), 0.95)
          << "level " << level << (noisy ? ", 15 dB SNR" : "");
    }
  }
}

}  // namespace
}  // namespace maie::audio
