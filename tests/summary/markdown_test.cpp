#include "summary/markdown.h"

#include <gtest/gtest.h>

namespace maie::summary {
namespace {

Json parse(const char* text) { return *parse_json(text); }

TEST(Markdown, HasASectionForEachMemberInOrder) {
  const Json summary = parse(R"({"tiêu_đề":"Họp tuần","ngày_họp":"2026-11-25",
      "quyết_định":["Giữ ngân sách","Thuê người"],"thẻ":["ngân sách"]})");
  EXPECT_EQ(to_markdown(summary, Json()),
            "# Họp tuần\n\n## Ngày họp\n\n2026-11-25\n\n## Quyết định\n\n- Giữ ngân sách\n"
            "- Thuê người\n\n## Thẻ\n\n- ngân sách\n");
}

TEST(Markdown, LeavesOutWhatIsEmpty) {
  const Json summary = parse(R"({"a":null,"b":"","c":[],"d":{},"e":0,"f":false})");
  EXPECT_EQ(to_markdown(summary, Json()), "## E\n\n0\n\n## F\n\nfalse\n");
}

TEST(Markdown, CallsSectionsAsTheSchemaDoes) {
  const Json schema = parse(R"({"properties":{"tags":{"title":"Keywords"}}})");
  EXPECT_EQ(to_markdown(parse(R"({"tags":["x"]})"), schema), "## Keywords\n\n- x\n");
}

TEST(Markdown, ShowsFlatObjectsAsATable) {
  const Json summary = parse(
      R"({"tasks":[{"what":"write | read","who":"Ann"},{"what":"call","due":null,"who":"Bo"}]})");
  EXPECT_EQ(to_markdown(summary, Json()),
            "## Tasks\n\n| What | Who | Due |\n|---|---|---|\n| write \\| read | Ann |  |\n"
            "| call | Bo |  |\n");
}

TEST(Markdown, NestsObjectsAndBullets) {
  const Json summary =
      parse(R"({"part":{"text":"so","points":[{"name":"a","list":["b",{"c":["d"]}]}]}})");
  EXPECT_EQ(to_markdown(summary, Json()),
            "## Part\n\n### Text\n\nso\n\n### Points\n\n- Name: a\n- List:\n  - b\n  -\n"
            "    - C:\n      - d\n");
}

TEST(Markdown, PutsNotesBehindItemsByTheirPointer) {
  const Json summary = parse(R"({"a/b":["x","y"],"tasks":[{"what":"z"}],"s":"t"})");
  std::vector<std::string> asked;
  const std::string page = to_markdown(summary, Json(), [&](const std::string& pointer) {
    asked.push_back(pointer);
    return pointer == "/a~1b/1" ? std::string("(0:12)") : std::string();
  });
  EXPECT_NE(page.find("- x\n- y (0:12)\n"), page.npos) << page;
  EXPECT_EQ(asked, (std::vector<std::string>{"/a~1b/0", "/a~1b/1", "/tasks/0", "/s"}));
}

TEST(Markdown, TextIsNeverMarkup) {
  EXPECT_EQ(markdown_text("# not a heading"), "\\# not a heading");
  EXPECT_EQ(markdown_text("- no item"), "\\- no item");
  EXPECT_EQ(markdown_text("12. of May"), "12\\. of May");
  EXPECT_EQ(markdown_text("in 2026. Then"), "in 2026. Then");
  EXPECT_EQ(markdown_text("<script>a&b</script> `x` *y* _z_ [l](u)"),
            "&lt;script\\>a&amp;b&lt;/script\\> \\`x\\` \\*y\\* \\_z\\_ \\[l\\](u)");
  EXPECT_EQ(markdown_text("  two\n\n# lines\x1b[31m "), "two # lines\\[31m");
}

}  // namespace
}  // namespace maie::summary
