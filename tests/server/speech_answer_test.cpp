#include "server/speech_answer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace maie::server {
namespace {

jobs::StoredResult some_result() {
  pipeline::Transcript transcript;
  transcript.language = "vi";
  transcript.language_probability = 0.9;
  transcript.duration_s = 12.3456;
  pipeline::Segment first;
  first.start_s = 0.12345;
  first.end_s = 2.5;
  first.text = " Xin chào.";
  first.tokens = {1, 2, 3};
  first.words = {{0.1, 0.9, " Xin", 0.8}, {0.9, 2.7, " chào.", 0.9}};
  first.avg_logprob = -0.25;
  first.compression_ratio = 0.8;
  first.no_speech_probability = 0.01;
  pipeline::Segment second;
  second.start_s = 2.5;
  second.end_s = 99;  // behind the end
  second.text = " Một & hai ";
  second.tokens = {4};
  second.words = {{2.5, 3, " Một", 1}, {3, 3.1, " ", 1}, {3.2, 99, " & hai ", 1}};
  transcript.segments = {first, second};
  jobs::StoredResult result;
  result.transcript = transcript;
  result.model = "whisper";
  return result;
}

Json json_of(const jobs::StoredResult& result, const SpeechForm& form) {
  const http::Response response = speech_answer(result, form);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  return parse_json(response.body).value();
}

TEST(SpeechAnswer, JsonIsTextLanguagesAndUsage) {
  EXPECT_EQ(json_of(some_result(), {}), Json::parse(R"({"text": "Xin chào. Một & hai",
    "languages": [{"code": "vi"}], "usage": {"type": "duration", "seconds": 13}})"));
  jobs::StoredResult unsure = some_result();
  unsure.transcript->language_probability = 0.3;
  EXPECT_EQ(json_of(unsure, {})["languages"], Json::array());
}

TEST(SpeechAnswer, WarningsStandUnderMaie) {
  jobs::StoredResult result = some_result();
  result.transcript->warnings = {"the recording is cut off"};
  const Json json = json_of(result, {.warnings = {"num_speakers is not used"}});
  EXPECT_EQ(json["maie"]["warnings"],
            Json::parse(R"(["the recording is cut off", "num_speakers is not used"])"));
}

TEST(SpeechAnswer, TextHasOneFinalNewline) {
  const http::Response response = speech_answer(some_result(), {.format = SpeechFormat::kText});
  EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(response.body, "Xin chào. Một & hai\n");
}

TEST(SpeechAnswer, SubtitlesHaveTheirTypes) {
  const http::Response srt = speech_answer(some_result(), {.format = SpeechFormat::kSrt});
  EXPECT_EQ(srt.content_type, "text/plain; charset=utf-8");
  EXPECT_TRUE(srt.body.starts_with("1\n00:00:00,")) << srt.body;
  const http::Response vtt = speech_answer(some_result(), {.format = SpeechFormat::kVtt});
  EXPECT_EQ(vtt.content_type, "text/vtt; charset=utf-8");
  EXPECT_TRUE(vtt.body.starts_with("WEBVTT\n\n00:00:00.")) << vtt.body;
  EXPECT_NE(vtt.body.find("&amp;"), std::string::npos);
}

TEST(SpeechAnswer, VerboseJsonHasAllMembers) {
  const Json json = json_of(some_result(), {.format = SpeechFormat::kVerboseJson, .words = true});
  EXPECT_EQ(json["task"], "transcribe");
  EXPECT_EQ(json["language"], "vietnamese");
  EXPECT_EQ(json["maie"]["language_code"], "vi");
  EXPECT_EQ(json["maie"]["synthetic"], Json::array({"seek"}));
  EXPECT_EQ(json["duration"], 12.346);
  EXPECT_EQ(json["usage"]["type"], "duration");
  ASSERT_EQ(json["segments"].size(), 2u);
  const Json& first = json["segments"][0];
  EXPECT_EQ(first.size(), 10u);
  EXPECT_EQ(first, Json::parse(R"({"id": 0, "seek": 12, "start": 0.123, "end": 2.5,
    "text": " Xin chào.", "tokens": [1, 2, 3], "temperature": 0.0, "avg_logprob": -0.25,
    "compression_ratio": 0.8, "no_speech_prob": 0.01})"));
  EXPECT_EQ(json["segments"][1]["end"], 12.346);
  EXPECT_EQ(json["words"], Json::parse(R"([
    {"word": "Xin", "start": 0.123, "end": 0.9}, {"word": "chào.", "start": 0.9, "end": 2.5},
    {"word": "Một", "start": 2.5, "end": 3.0}, {"word": "& hai", "start": 3.2, "end": 12.346}])"));
}

TEST(SpeechAnswer, VerboseJsonHasWhatWasAskedFor) {
  const Json usual = json_of(some_result(), {.format = SpeechFormat::kVerboseJson});
  EXPECT_TRUE(usual.contains("segments"));
  EXPECT_FALSE(usual.contains("words"));
  const Json words = json_of(
      some_result(), {.format = SpeechFormat::kVerboseJson, .segments = false, .words = true});
  EXPECT_FALSE(words.contains("segments"));
  EXPECT_TRUE(words.contains("words"));
}

TEST(SpeechAnswer, TranslationsAreInEnglish) {
  SpeechForm form{.translate = true};
  EXPECT_EQ(json_of(some_result(), form), Json::parse(R"({"text": "Xin chào. Một & hai"})"));
  form.format = SpeechFormat::kVerboseJson;
  const Json json = json_of(some_result(), form);
  EXPECT_EQ(json["task"], "translate");
  EXPECT_EQ(json["language"], "english");
  EXPECT_EQ(json["segments"][0].size(), 10u);
}

TEST(SpeechAnswer, TimesKeepTheirPromisesWhateverTheRecogniserSays) {
  std::mt19937 random(1);
  const double odd[] = {-1, 0, 0.0004, 1, 5, 1e9, std::nan(""), INFINITY, -INFINITY, 9.99951};
  const auto time = [&] { return odd[random() % std::size(odd)]; };
  for (int round = 0; round < 500; ++round) {
    jobs::StoredResult result = some_result();
    result.transcript->duration_s = 10;
    for (pipeline::Segment& segment : result.transcript->segments) {
      segment.start_s = time();
      segment.end_s = time();
      for (pipeline::Word& word : segment.words) word.start_s = time(), word.end_s = time();
    }
    const Json json = json_of(result, {.format = SpeechFormat::kVerboseJson, .words = true});
    double before = 0;
    for (const Json& segment : json["segments"]) {
      EXPECT_LE(0, segment["start"].get<double>());
      EXPECT_LE(before, segment["start"].get<double>());
      EXPECT_LE(segment["start"].get<double>(), segment["end"].get<double>());
      EXPECT_LE(segment["end"].get<double>(), 10);
      before = segment["start"].get<double>();
    }
    before = 0;
    for (const Json& word : json["words"]) {
      EXPECT_LE(before, word["start"].get<double>());
      EXPECT_LE(word["start"].get<double>(), word["end"].get<double>());
      before = word["start"].get<double>();
    }
  }
}

TEST(SpeechAnswer, SilenceIsAnEmptyText) {
  jobs::StoredResult result = some_result();
  result.transcript->segments.clear();
  EXPECT_EQ(json_of(result, {})["text"], "");
  EXPECT_EQ(speech_answer(result, {.format = SpeechFormat::kSrt}).body, "");
  EXPECT_TRUE(speech_answer(result, {.format = SpeechFormat::kVtt}).body.starts_with("WEBVTT\n"));
  EXPECT_EQ(json_of(result, {.format = SpeechFormat::kVerboseJson})["segments"], Json::array());
}

TEST(SpeechAnswer, TokensAreCounted) {
  EXPECT_EQ(token_usage(*some_result().transcript), Json::parse(R"({"type": "tokens",
    "input_tokens": 618, "input_token_details": {"text_tokens": 0, "audio_tokens": 618},
    "output_tokens": 4, "total_tokens": 622})"));
}

}  // namespace
}  // namespace maie::server
