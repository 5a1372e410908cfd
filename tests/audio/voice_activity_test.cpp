#include "audio/voice_activity.h"

#include <gtest/gtest.h>

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
    text += "[" + std::to_string(span.start) + "," + std::to_string(span.end) + "]";
  }
  return text;
}

TEST(SpeechSpans, EqualThoseOfThePeersInBothRules) {
  const auto text = read_file(std::string(MAIE_SOURCE_DIR) + "/tests/golden/vad/spans.json", 16 << 20);
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
  feed(0.9f, 1);    // window 0 starts at sample 0: the pad is cut off there
  feed(0.1f, 3);    // pause of 3 windows: 96 ms, too short
  feed(0.9f, 2);
  feed(0.4f, 10);   // neither speech nor silence
  feed(0.1f, 6);    // ends when 4 windows have passed since its first: 16..20
  feed(0.9f, 1);    // window 22
  feed(0.1f, 4);    // no end yet
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].second, (SpeechIterator::Event{Kind::kStart, 0}));
  EXPECT_EQ(events[1].first, 20);
  EXPECT_EQ(events[1].second, (SpeechIterator::Event{Kind::kEnd, 17 * 512 + 480 - 512}));
  EXPECT_EQ(events[2].first, 22);
  EXPECT_EQ(events[2].second, (SpeechIterator::Event{Kind::kStart, 23 * 512 - 480 - 512}));
  EXPECT_TRUE(iterator.speaking());
}

}  // namespace
}  // namespace maie::audio
