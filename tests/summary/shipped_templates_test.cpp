// The templates that come with the program.
#include <algorithm>
#include <set>

#include "summary/answer.h"
#include "summary/schema_rules.h"
#include "summary/template_checks.h"
#include "tests/summary/testing.h"
#include "text/fold.h"

namespace maie::summary {
namespace {

const std::vector<std::string> kIds = {"generic_summary_en_v2",   "generic_summary_v2",
                                       "interview_transcript_v2", "meeting_notes_v2",
                                       "structured_analysis_v1",  "text_enhancement_v1"};

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> out;
  for (const auto& [name, value] : object.items()) out.push_back(name);
  return out;
}

TEST(ShippedTemplates, AreTheSixOfTheSpecification) {
  TemplateStore store(shipped_only());
  std::vector<std::string> ids;
  for (const TemplateItem& item : store.list()) {
    ids.push_back(item.id);
    EXPECT_TRUE(item.shipped);
    EXPECT_FALSE(item.example.is_null());
  }
  EXPECT_EQ(ids, kIds);
  EXPECT_EQ(store.get("generic_summary_en_v2")->name, "Generic Summary En V2");
  EXPECT_EQ(store.get("meeting_notes_v2")->name, "Biên bản cuộc họp");
}

TEST(ShippedTemplates, KeysAndLimits) {
  TemplateStore store(shipped_only());
  const auto properties = [&](const char* id) { return (*store.schema(id))["properties"]; };
  using Keys = std::vector<std::string>;
  EXPECT_EQ(keys(properties("meeting_notes_v2")),
            (Keys{"tiêu_đề", "ngày_họp", "người_tham_gia", "tóm_tắt", "chương_trình_nghị_sự",
                  "quyết_định", "công_việc_cần_làm", "thẻ"}));
  EXPECT_EQ(keys(properties("generic_summary_v2")),
            (Keys{"tiêu_đề", "tóm_tắt", "chủ_đề_chính", "thẻ"}));
  EXPECT_EQ(keys(properties("generic_summary_en_v2")),
            (Keys{"title", "summary", "key_topics", "tags"}));
  EXPECT_EQ(keys(properties("interview_transcript_v2")),
            (Keys{"ngày_phỏng_vấn", "tóm_tắt_phỏng_vấn", "nhận_định_chính",
                  "cảm_xúc_người_tham_gia", "thẻ"}));
  EXPECT_EQ(keys(properties("structured_analysis_v1")),
            (Keys{"title", "mở_đầu", "báo_cáo", "thảo_luận", "kết_luận", "giao_việc", "thẻ"}));
  EXPECT_EQ(keys(properties("text_enhancement_v1")),
            (Keys{"văn_bản_gốc", "văn_bản_cải_thiện", "điểm_chất_lượng", "ngôn_ngữ", "thẻ"}));
  EXPECT_EQ(properties("meeting_notes_v2")["công_việc_cần_làm"]["maxItems"], 200);
  EXPECT_EQ(properties("meeting_notes_v2")["thẻ"]["maxItems"], 7);
  EXPECT_EQ(properties("text_enhancement_v1")["văn_bản_gốc"]["maxLength"], 50000);
  EXPECT_EQ(properties("structured_analysis_v1")["giao_việc"]["required"],
            Json::array({"công_việc"}));
}

TEST(ShippedTemplates, AreFitForSummariesAndGrammars) {
  TemplateStore store(shipped_only());
  for (const std::string& id : kIds) {
    const auto detail = store.get(id);
    ASSERT_TRUE(detail) << id;
    EXPECT_TRUE(detail->warnings.empty()) << id << ": " << detail->warnings.front();
    EXPECT_TRUE(check_grammar(detail->schema_data).ok()) << id;
    EXPECT_EQ(detail->schema_data["$schema"], "http://json-schema.org/draft-07/schema#");
    EXPECT_TRUE(store.for_summary(id)) << id;
    EXPECT_TRUE(check_schema(detail->schema_data, detail->example).ok()) << id;
    EXPECT_EQ(in_nfc(detail->schema_data), detail->schema_data);
    EXPECT_EQ(text::nfc(detail->prompt_template), detail->prompt_template);
  }
}

// Each prompt prints its schema, and every line of its examples that is JSON keeps that schema.
TEST(ShippedTemplates, ExamplesInPromptsAreValid) {
  TemplateStore store(shipped_only());
  for (const std::string& id : kIds) {
    const auto found = store.for_summary(id);
    ASSERT_TRUE(found && (*found)->prompt) << id;
    const auto text = (*found)->prompt->render(prompt_variables((*found)->schema_pretty, "S0: a"));
    ASSERT_TRUE(text) << text.error().message();
    EXPECT_NE(text->find((*found)->schema_pretty), std::string::npos) << id;
    EXPECT_EQ(text->find("S0: a\n"), std::string::npos) << "the transcript is the user's message";
    EXPECT_EQ(text->find("<|"), std::string::npos) << "no marks of a chat format";
    EXPECT_EQ(text->find("{%"), std::string::npos);
    int examples = 0;
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("{\"")) continue;
      const auto document = parse_answer(line);
      ASSERT_TRUE(document) << id << ": " << line;
      const Status status = check_schema((*found)->schema, *document);
      EXPECT_TRUE(status.ok()) << id << ": " << status.message() << "\n" << line;
      ++examples;
    }
    EXPECT_EQ(examples, 3) << id << ": an ordinary, an empty and a contradictory one";
  }
}

TEST(ShippedTemplates, EnglishPromptIsEnglish) {
  TemplateStore store(shipped_only());
  const auto found = store.for_summary("generic_summary_en_v2");
  const auto text = (*found)->prompt->render(prompt_variables((*found)->schema_pretty, ""));
  EXPECT_TRUE(std::all_of(text->begin(), text->end(), [](char c) { return c >= 0; })) << *text;
}

TEST(ShippedTemplates, EnhancementAsksForTextOrForJson) {
  TemplateStore store(shipped_only());
  const auto prompt = store.prompt("text_enhancement_v1");
  ASSERT_TRUE(prompt);
  const auto plain = prompt->render(Json::object());
  EXPECT_EQ(plain->find("{\""), std::string::npos);
  EXPECT_NE(plain->find("không có JSON"), std::string::npos);
  EXPECT_NE(plain->find("phây búc → Facebook"), std::string::npos) << "the block has a place";
  EXPECT_NE(prompt->render({{"schema", "SCHEMA"}})->find("SCHEMA"), std::string::npos);
}

TEST(ShippedTemplates, KnowTheBoilerplateOfVideos) {
  TemplateStore store(shipped_only());
  const auto list = store.hallucinations();
  EXPECT_EQ(list->size(), 7u);
  EXPECT_TRUE(list->contains("cảm ơn các bạn đã theo dõi và hẹn gặp lại"));
}

}  // namespace
}  // namespace maie::summary
