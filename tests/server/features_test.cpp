#include "server/features.h"

#include <gtest/gtest.h>

namespace maie::server {
namespace {

// "raw,clean,summary,metrics" of those that are wanted, or "refused: ...".
std::string names_of(const Result<jobs::Features>& features) {
  if (!features.has_value()) {
    EXPECT_EQ(features.error().code(), Code::kInvalidInput);
    return "refused: " + features.error().message();
  }
  std::string out;
  const auto add = [&out](bool wanted, const char* name) {
    if (wanted) out += (out.empty() ? "" : ",") + std::string(name);
  };
  add(features->raw_transcript, "raw");
  add(features->clean_transcript, "clean");
  add(features->summary, "summary");
  add(features->enhancement_metrics, "metrics");
  return out;
}

std::string of_form(std::vector<std::string_view> values, bool has_template = false) {
  return names_of(features_of(values, has_template));
}
std::string of_json(const char* json, bool has_template = false) {
  return names_of(features_of(Json::parse(json), has_template));
}

TEST(Features, ComeInEveryDialectOfAForm) {
  EXPECT_EQ(of_form({"raw_transcript"}), "raw");
  EXPECT_EQ(of_form({"raw_transcript", "summary"}), "raw,summary");
  EXPECT_EQ(of_form({"summary,raw_transcript"}), "raw,summary");
  EXPECT_EQ(of_form({" summary , raw_transcript ,"}), "raw,summary");
  EXPECT_EQ(of_form({"summary,summary"}), "summary");
  EXPECT_EQ(of_form({R"(["raw_transcript", "clean_transcript"])"}), "raw,clean");
  EXPECT_EQ(of_form({"```json\n[\"raw_transcript\"]\n```"}), "raw");
  EXPECT_EQ(of_form({"```\n[\"raw_transcript\"]\n```"}), "raw");
  EXPECT_EQ(of_form({"```[\"raw_transcript\"]```"}), "raw");
  EXPECT_EQ(of_form({R"(["raw_transcript"])", "summary,enhancement_metrics"}),
            "raw,summary,metrics");
}

TEST(Features, ComeInEveryDialectOfJson) {
  EXPECT_EQ(of_json(R"("summary")"), "summary");
  EXPECT_EQ(of_json(R"("summary, clean_transcript")"), "clean,summary");
  EXPECT_EQ(of_json(R"(["summary", "raw_transcript"])"), "raw,summary");
  EXPECT_EQ(of_json(R"([["summary"], ["raw_transcript", null]])"), "raw,summary");
  EXPECT_EQ(of_json(R"(["[\"summary\"]"])"), "summary");
}

TEST(Features, NothingMeansCleanTextAndTheSummaryOfATemplate) {
  for (const bool has_template : {false, true}) {
    const std::string usual = has_template ? "clean,summary" : "clean";
    EXPECT_EQ(of_form({}, has_template), usual);
    EXPECT_EQ(of_form({""}, has_template), usual);
    EXPECT_EQ(of_form({" , "}, has_template), usual);
    EXPECT_EQ(of_form({"[]"}, has_template), usual);
    EXPECT_EQ(of_json("null", has_template), usual);
    EXPECT_EQ(of_json("[]", has_template), usual);
    EXPECT_EQ(of_json(R"("")", has_template), usual);
  }
  EXPECT_EQ(of_form({"raw_transcript"}, true), "raw");  // a template alone asks for nothing more
}

TEST(Features, UnknownOnesAreNamed) {
  EXPECT_NE(of_form({"everything"}).find("Invalid feature 'everything'"), std::string::npos);
  EXPECT_NE(of_form({"raw_transcript,Summary"}).find("'Summary'"), std::string::npos);
  EXPECT_LT(of_form({std::string(100'000, 'x')}).size(), 400u);
}

TEST(Features, WhatIsNoListIsRefused) {
  EXPECT_EQ(of_form({"[\"raw_transcript\""}), "refused: Invalid 'features': no JSON array");
  for (const char* json : {"5", "true", R"({"raw_transcript": true})", "[5]", "[{}]"}) {
    EXPECT_TRUE(of_json(json).starts_with("refused: Invalid 'features'")) << json;
  }
}

TEST(Features, NestedTooDeepIsRefused) {
  const std::string deep = std::string(50, '[') + "\"summary\"" + std::string(50, ']');
  EXPECT_TRUE(of_json(deep.c_str()).starts_with("refused"));
  EXPECT_TRUE(of_form({deep}).starts_with("refused"));
  EXPECT_TRUE(of_form({std::string(1'000'000, '[')}).starts_with("refused"));
}

}  // namespace
}  // namespace maie::server
