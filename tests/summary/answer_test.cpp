#include "summary/answer.h"

#include <gtest/gtest.h>

#include "summary/hallucinations.h"

namespace maie::summary {
namespace {

TEST(Answer, FencesGo) {
  EXPECT_EQ(without_fences("  {\"a\":1}\n"), "{\"a\":1}");
  EXPECT_EQ(without_fences("```json\n{\"a\":1}\n```"), "{\"a\":1}");
  EXPECT_EQ(without_fences("```\na\nb\n``` \n"), "a\nb");
  EXPECT_EQ(without_fences("```"), "```");
  EXPECT_EQ(without_fences("```json {\"a\":1}```"), "```json {\"a\":1}```");
  EXPECT_EQ(without_fences("```\nno end"), "```\nno end");
}

TEST(Answer, ParsesOrSaysWhy) {
  EXPECT_EQ((*parse_answer("```json\n{\"thẻ\":[\"a\"]}\n```"))["thẻ"][0], "a");
  const auto broken = parse_answer("{\"a\": ");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message().find("JSON decode error: "), 0u);
  EXPECT_FALSE(parse_answer("").has_value());
  EXPECT_FALSE(parse_answer("{\"a\":\"\\ud800\"}").has_value()) << "an unpaired surrogate";
  EXPECT_FALSE(parse_answer("{\"a\":1,\"a\":2}").has_value()) << "which of the two is meant?";
}

TEST(Answer, ViolationsNameTheirPath) {
  const Json schema = *parse_json(
      R"({"type":"object","properties":{"thẻ":{"type":"array","items":{"type":"string","maxLength":3}}}})");
  EXPECT_TRUE(check_schema(schema, *parse_json(R"({"thẻ":["abc"]})")).ok());
  const Status wrong = check_schema(schema, *parse_json(R"({"thẻ":["abc","abcd"]})"));
  EXPECT_EQ(wrong.message().find("Schema validation failed: "), 0u) << wrong.message();
  EXPECT_NE(wrong.message().find("(at path: thẻ -> 1)"), std::string::npos) << wrong.message();
  EXPECT_NE(check_schema(schema, Json::array()).message().find("(at path: root)"),
            std::string::npos);
}

TEST(Answer, EnhancedTextIsTheMemberOrTheTextItself) {
  EXPECT_EQ(enhanced_text(R"({"văn_bản_gốc":"a","văn_bản_cải_thiện":" A. "})"), "A.");
  EXPECT_EQ(enhanced_text("```\nA.\nB.\n```"), "A.\nB.");
  EXPECT_EQ(enhanced_text("Hello."), "Hello.");
  EXPECT_EQ(enhanced_text("{not json"), "{not json");
}

TEST(Hallucinations, WholePhrasesWhateverTheirCaseAndSpaces) {
  HallucinationList list;
  ASSERT_TRUE(list.add(R"({"exact":["Cảm ơn các bạn đã theo dõi"],"regex":["Hello"]})", "f").ok());
  EXPECT_TRUE(list.contains("  CẢM ƠN  các bạn\nđã theo dõi "));
  EXPECT_TRUE(list.contains("Ca\xCC\x89m \xC6\xA1n các bạn đã theo dõi")) << "decomposed letters";
  EXPECT_FALSE(list.contains("Cảm ơn các bạn đã theo dõi nhé"));
  EXPECT_FALSE(list.contains("Hello")) << "the regex list is not used";
  EXPECT_EQ(list.filter("Cảm ơn các bạn đã theo dõi"), "");
  EXPECT_EQ(list.filter("Xin chào"), "Xin chào");
}

TEST(Hallucinations, TopLevelOfASummaryOnly) {
  HallucinationList list;
  ASSERT_TRUE(list.add(R"({"exact":["bye"]})", "f").ok());
  Json summary = *parse_json(R"({"a":"Bye","b":["x","bye"],"c":{"d":"bye"},"e":[["bye"]]})");
  EXPECT_TRUE(list.sanitise(summary));
  EXPECT_EQ(summary, *parse_json(R"({"a":null,"b":["x"],"c":{"d":"bye"},"e":[["bye"]]})"));
  EXPECT_FALSE(list.sanitise(summary));
}

TEST(Hallucinations, BrokenListsAreNamed) {
  HallucinationList list;
  EXPECT_EQ(list.add("[", "mine.json").message().find("mine.json: "), 0u);
  EXPECT_EQ(list.add("[]", "mine.json").code(), Code::kInvalidInput);
  EXPECT_EQ(list.add(R"({"exact":"a"})", "f").code(), Code::kInvalidInput);
  EXPECT_EQ(list.add(R"({"exact":[1]})", "f").code(), Code::kInvalidInput);
  EXPECT_TRUE(list.add("{}", "f").ok());
  EXPECT_EQ(list.size(), 0u);
}

}  // namespace
}  // namespace maie::summary
