#include "store/hub_listing.h"

#include <gtest/gtest.h>

#include "store/model_id.h"
#include "tests/formats/hostile.h"

namespace maie::store {
namespace {

const std::string kGit(40, 'a');
const std::string kSha(64, 'b');

std::string entry(const std::string& path, const std::string& more = "") {
  return R"({"type":"file","path":")" + path + R"(","size":5,"oid":")" + kGit + "\"" + more + "}";
}

Status parsed(const std::string& json) {
  HubListing listing;
  const Status status = parse_tree_page(json, listing.files);
  return status.ok() ? finish_listing(listing) : status;
}

TEST(HubListing, ReadsSmallAndLargeFiles) {
  HubListing listing;
  ASSERT_TRUE(parse_tree_page("[" + entry("sub/b.json") + R"(,{"type":"directory","path":"sub"},)" +
                                  entry("a.safetensors", R"(,"lfs":{"oid":")" + kSha +
                                                             R"(","size":900,"pointerSize":134})") +
                                  "]",
                              listing.files)
                  .ok());
  ASSERT_TRUE(finish_listing(listing).ok());
  ASSERT_EQ(listing.files.size(), 2u);
  EXPECT_EQ(listing.files[0].path, "a.safetensors");
  EXPECT_EQ(listing.files[0].tag, kSha);
  EXPECT_EQ(listing.files[0].size_bytes, 900u);
  EXPECT_EQ(listing.files[1].tag, kGit);
  EXPECT_EQ(*parse_revision(R"({"sha":")" + kGit + R"(","gated":false})"), kGit);
}

TEST(HubListing, RefusesWhatMustNotBecomeAFile) {
  for (const char* path : {"../a", "/a", "a/../b", "", "a//b", "a\\\\b", "a\\nb", "."})
    EXPECT_EQ(parsed("[" + entry(path) + "]").code(), Code::kCorrupt) << path;
  for (const std::string& json :
       {std::string("{}"), std::string("[1]"), std::string("<html>"), std::string("[{}]"),
        R"([{"path":"a","size":-1,"oid":")" + kGit + "\"}]",
        R"([{"path":"a","size":1e30,"oid":")" + kGit + "\"}]",
        std::string(R"([{"path":"a","size":1,"oid":"../../x"}])"),
        "[" + entry("a", R"(,"lfs":{"oid":"short","size":1})") + "]",
        "[" + entry("a") + "," + entry("a") + "]", "[" + entry("a") + "," + entry("a/b") + "]"})
    EXPECT_EQ(parsed(json).code(), Code::kCorrupt) << json;
  EXPECT_TRUE(parsed("[" + entry("a") + "," + entry("a-b") + "," + entry("b/c") + "]").ok());
  for (const char* json : {"{}", "[]", R"({"sha":"main"})", R"({"sha":5})", ""})
    EXPECT_EQ(parse_revision(json).status().code(), Code::kCorrupt) << json;
}

TEST(HubListing, HasAnEnd) {
  std::string page = "[";
  for (size_t i = 0; i <= kMostListedFiles; ++i)
    page += (i > 0 ? "," : "") + entry("f" + std::to_string(i));
  const Status status = parsed(page + "]");
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_NE(status.message().find("100000"), std::string::npos);
}

TEST(HubListing, MessagesStayOnOneLine) {
  const Status status = parsed("[" + entry("../\\u001b[31m\\n\\u00e9") + "]");
  for (const char c : status.message()) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
}

TEST(HubListing, FindsTheNextPage) {
  EXPECT_EQ(next_page(R"(<https://h/a?x=1>; rel="next")"), "https://h/a?x=1");
  EXPECT_EQ(next_page(R"(<https://h/0>; rel="prev", <https://h/2>; rel="next")"), "https://h/2");
  for (const char* none : {"", "<a", R"(<a>; rel="prev")", "rel=\"next\"", "<>", "><"})
    EXPECT_EQ(next_page(none), "") << none;
}

TEST(HubListing, DamagedAnswersNeverGiveAnUnsafeName) {
  const std::string valid =
      "[" + entry("model.safetensors", R"(,"lfs":{"oid":")" + kSha + R"(","size":900})") + "," +
      entry("sub/config.json") + R"(,{"type":"directory","path":"sub","oid":")" + kGit + "\"}]";
  formats::parse_damaged_copies(valid, valid.size(), 5000, [](const std::string& damaged) {
    HubListing listing;
    (void)parse_revision(damaged);
    (void)next_page(damaged);
    if (!parse_tree_page(damaged, listing.files).ok() || !finish_listing(listing).ok()) return;
    for (const HubFile& file : listing.files) {
      EXPECT_TRUE(is_safe_path(file.path));
      EXPECT_TRUE(is_content_tag(file.tag));
    }
  });
}

}  // namespace
}  // namespace maie::store
