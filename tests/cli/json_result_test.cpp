#include "cli/json_result.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/file.h"
#include "base/version.h"
#include "tests/cli/fake_recogniser.h"
#include "tests/cli/schema_check.h"

namespace maie::cli {
namespace {

Recognised example() {
  Recognised result;
  result.transcript = FakeRecogniser::transcript();
  result.input_warnings = {"cut short"};
  result.container = "wav";
  result.codec = "pcm_s16le";
  result.rate_hz = 8000;
  result.channels = 2;
  return result;
}

RunInfo run() {
  RunInfo info;
  info.input = "folder/talk.wav";
  info.options.clip = pipeline::ClipRange{1, 0};
  info.model = {"models/mini/asr", "huggingface", "float32", "int8", "", std::string(64, 'a'), 7};
  return info;
}

Json schema() {
  const auto text = read_file(MAIE_SOURCE_DIR "/docs/transcript.schema.json", 1 << 20);
  EXPECT_TRUE(text.has_value());
  auto parsed = parse_json(text.has_value() ? *text : "{}");
  EXPECT_TRUE(parsed.has_value());
  return *parsed;
}

std::vector<std::string> faults_of(const Json& document) {
  const auto parsed = parse_json(to_text(document));
  EXPECT_TRUE(parsed.has_value());
  return schema_faults(schema(), *parsed);
}

TEST(JsonResult, FitsItsSchema) {
  EXPECT_EQ(faults_of(result_document(run(), example())), std::vector<std::string>());
}

TEST(JsonResult, FitsItsSchemaWithNothingHeard) {
  RunInfo info;
  info.input = "-";
  Recognised nothing;
  nothing.transcript.vad = "off";
  const Json document = result_document(info, nothing);
  EXPECT_EQ(faults_of(document), std::vector<std::string>());
  EXPECT_EQ(document["input"]["name"], "stdin");
  EXPECT_TRUE(document["language"].is_null() && document["language_probability"].is_null());
  EXPECT_TRUE(document["timing"]["real_time_factor"].is_null());
}

TEST(JsonResult, SchemaRefusesAnythingElse) {
  Json document = result_document(run(), example());
  document["surprise"] = 1;
  document["segments"][0].erase("start");
  document["segments"][1]["end"] = "later";
  document["vad"]["kind"] = "magic";
  const std::vector<std::string> faults = faults_of(document);
  EXPECT_EQ(faults.size(), 4u) << ::testing::PrintToString(faults);
}

TEST(JsonResult, SaysWhatTheTranscriptSays) {
  const Json document = result_document(run(), example());
  EXPECT_EQ(document["program"]["version"], kVersion);
  EXPECT_EQ(document["input"]["name"], "talk.wav");
  EXPECT_EQ(document["input"]["duration"], 10.0);
  EXPECT_EQ(document["segments"][0]["text"], "first");
  EXPECT_EQ(document["segments"][0]["avg_logprob"], -0.2877);
  EXPECT_EQ(document["segments"][0]["words"][0]["word"], "first");
  EXPECT_EQ(document["segments"][1]["id"], 1);
  EXPECT_EQ(document["dropped"][0]["reason"], "repetition");
  EXPECT_EQ(document["dropped"][0]["text"], "la la la");
  EXPECT_EQ(document["uncovered"][0]["start"], 9.1);
  EXPECT_EQ(document["options"]["clip"]["end"], Json());
  EXPECT_EQ(document["timing"]["real_time_factor"], 0.05);
}

TEST(JsonResult, NumbersThatAreNoneAndBrokenTextStayValidJson) {
  Recognised result = example();
  result.transcript.segments[0].avg_logprob = -std::numeric_limits<double>::infinity();
  result.transcript.segments[0].confidence = std::nan("");
  result.transcript.segments[1].text = " broken \xff\xc3";
  const Json document = result_document(run(), result);
  EXPECT_EQ(faults_of(document), std::vector<std::string>());
  const Json parsed = *parse_json(to_text(document));
  EXPECT_TRUE(parsed["segments"][0]["avg_logprob"].is_null());
  EXPECT_EQ(parsed["segments"][1]["text"], "broken \xef\xbf\xbd\xef\xbf\xbd");
}

TEST(JsonResult, TextIsTheDocument) {
  const Json document = result_document(run(), example());
  const std::string text = to_text(document);
  EXPECT_EQ(*parse_json(text), document);
  EXPECT_EQ(text.back(), '\n');
  EXPECT_NE(text.find("\"tokens\": [11,12]"), std::string::npos);
}

}  // namespace
}  // namespace maie::cli
