#include <gtest/gtest.h>

#include "jobs/render.h"
#include "jobs/stored_result.h"
#include "jobs/transcript_json.h"

namespace maie::jobs {
namespace {

pipeline::Transcript two_segments() {
  pipeline::Transcript transcript;
  transcript.duration_s = 4;
  transcript.language = "en";
  transcript.vad = "silero";
  transcript.speech = {{0.5, 1.0 / 3}};
  transcript.dropped = {{3, 4, "no_speech", "thanks"}};
  transcript.uncovered = {{2, 3}};
  transcript.warnings = {"quiet"};
  pipeline::Segment first;
  first.start_s = 0.5;
  first.end_s = 1.5;
  first.text = " Good morning.";
  first.words = {{0.5, 1, " Good", 0.9}, {1, 1.5, " morning.", 0.8}};
  first.avg_logprob = -1.0 / 3;
  pipeline::Segment second = first;
  second.start_s = 2;
  second.end_s = 3;
  second.text = " Shall we begin?";
  second.words.clear();
  transcript.segments = {first, second};
  return transcript;
}

StoredResult recording() {
  StoredResult result;
  result.versions = {{"pipeline_version", "1"}, {"llm", {{"name", "mini"}}}};
  result.metrics = {{"rtf", 0.5}, {"asr_rtf", 0.25}, {"edit_rate_cleaning", nullptr}};
  result.results = {
      {"summary", {{"title", "Start"}, {"points", {"Begin"}}}},
      {"clean_transcript", "Good morning. Shall we begin?"},
      {"segments", Json::array()},
      {"summary_sources",
       {{{"pointer", "/points/0"}, {"start_s", 65.0}, {"end_s", 70.0}, {"score", 1.0}}}}};
  result.transcript = two_segments();
  result.model = "mini";
  result.times.decode_s = 0.1;
  result.times.recognise_s = 1.0 / 3;
  result.times.audio_s = 4;
  return result;
}

TEST(StoredResult, ComesBackWhole) {
  StoredResult result = recording();
  result.completion.emplace();
  result.completion->text = "ă";
  result.completion->finish = llm::Finish::kLength;
  result.completion->usage.answer_tokens = 3;
  const Result<StoredResult> read = result_from_bytes(to_bytes(result));
  ASSERT_TRUE(read.has_value()) << read.status().message();
  EXPECT_EQ(to_bytes(*read), to_bytes(result));
  EXPECT_EQ(to_json(*read->transcript), to_json(*result.transcript));
  EXPECT_EQ(read->times.recognise_s, result.times.recognise_s);
  EXPECT_EQ(read->times.enhance_s, std::nullopt);
  EXPECT_EQ(read->completion->finish, llm::Finish::kLength);
  EXPECT_EQ(read->completion->usage.answer_tokens, 3);
  EXPECT_EQ(result_from_bytes("{}").status().code(), Code::kUnsupported);
}

TEST(StoredResult, KeysAreEnglishVietnameseOrBoth) {
  const StoredResult result = recording();
  const Json english = result_blocks(result, ResultKeys::kEnglish);
  EXPECT_EQ(english["metrics"]["rtf"], 0.5);
  EXPECT_TRUE(english["metrics"]["vad_coverage"].is_null());
  EXPECT_TRUE(english["results"].contains("raw_transcript"));
  EXPECT_EQ(english.size(), 3u);
  const Json vietnamese = result_blocks(result, ResultKeys::kVietnamese);
  EXPECT_EQ(vietnamese["chỉ_số"]["hệ_số_thời_gian_thực"], 0.5);
  EXPECT_EQ(vietnamese["kết_quả"]["tóm_tắt"], result.results["summary"]);
  EXPECT_EQ(vietnamese["phiên_bản"]["mô_hình_ngôn_ngữ"]["name"], "mini");
  EXPECT_TRUE(vietnamese["kết_quả"].contains("segments"));
  EXPECT_EQ(vietnamese.size(), 3u);
  EXPECT_EQ(result_blocks(result, ResultKeys::kBoth).size(), 6u);
  EXPECT_TRUE(result_blocks(StoredResult(), ResultKeys::kEnglish)["results"]["summary"].is_null());
}

TEST(StoredResult, IsRenderedInEveryForm) {
  const StoredResult result = recording();
  const auto text = [&result](ResultFormat format) {
    const Result<std::string> made = render(result, format, {}, "talk.wav");
    EXPECT_TRUE(made.has_value()) << made.status().message();
    return made.has_value() ? *made : "";
  };
  EXPECT_EQ(text(ResultFormat::kTxt), "Good morning.\nShall we begin?\n");
  EXPECT_NE(text(ResultFormat::kSrt).find("00:00:00,500 --> 00:00:01,500\nGood morning."),
            std::string::npos);
  EXPECT_EQ(text(ResultFormat::kVtt).rfind("WEBVTT\n\n", 0), 0u);
  EXPECT_EQ(text(ResultFormat::kTsv).rfind("start\tend\ttext\n500\t1500\tGood morning.", 0), 0u);
  EXPECT_NE(text(ResultFormat::kMarkdown).find("Begin (1:05)"), std::string::npos);
  EXPECT_NE(text(ResultFormat::kJson).find("\"versions\""), std::string::npos);
}

TEST(StoredResult, ATextWasCleanedIsShownClean) {
  StoredResult result = recording();
  result.metrics["edit_rate_cleaning"] = 0.1;
  EXPECT_EQ(*render(result, ResultFormat::kTxt, {}, ""), "Good morning. Shall we begin?\n");
}

TEST(StoredResult, FormsItDoesNotHaveAreRefused) {
  StoredResult text;
  text.results = {{"summary", nullptr}, {"clean_transcript", ""}, {"raw_transcript", "as it came"}};
  EXPECT_EQ(render(text, ResultFormat::kSrt, {}, "").status().code(), Code::kInvalidInput);
  EXPECT_EQ(render(text, ResultFormat::kMarkdown, {}, "").status().code(), Code::kInvalidInput);
  EXPECT_EQ(*render(text, ResultFormat::kTxt, {}, ""), "as it came\n");
}

}  // namespace
}  // namespace maie::jobs
