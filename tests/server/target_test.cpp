#include "server/http/target.h"

#include <gtest/gtest.h>

#include "server/http/characters.h"

namespace maie::http {
namespace {

std::string path_of(std::string_view text) {
  const auto target = parse_target(text);
  return target ? target->path : "refused: " + target.error().message();
}

TEST(Target, DecodesThePath) {
  EXPECT_EQ(path_of("/"), "/");
  EXPECT_EQ(path_of("/v1/x/"), "/v1/x");
  EXPECT_EQ(path_of("/v1//x//%2F"), "/v1//x");
  EXPECT_EQ(path_of("//"), "/");
  EXPECT_EQ(path_of("/a%20b%2Fc+d"), "/a b/c+d");
  EXPECT_EQ(path_of("/ti%E1%BA%BFng"), "/ti\xE1\xBA\xBFng");
  EXPECT_EQ(path_of("/ti\xE1\xBA\xBFng"), "/ti\xE1\xBA\xBFng");
  EXPECT_EQ(path_of("/a?x"), "/a");
  EXPECT_EQ(path_of("/...a/..b"), "/...a/..b");
}

TEST(Target, ReadsTheAbsoluteForm) {
  EXPECT_EQ(path_of("http://host:80/v1/x?y"), "/v1/x");
  EXPECT_EQ(path_of("HTTPS://host"), "/");
  EXPECT_EQ(path_of("http://host?y"), "/");
  EXPECT_TRUE(path_of("http:///x").starts_with("refused"));
  EXPECT_TRUE(path_of("ftp://host/x").starts_with("refused"));
}

TEST(Target, DecodesTheQuery) {
  const auto target = parse_target("/p?a=1&b=x+y%2Bz&&empty&c=d=e&a=2&=v");
  ASSERT_TRUE(target) << target.error().message();
  const std::vector<std::pair<std::string, std::string>> wanted = {
      {"a", "1"}, {"b", "x y+z"}, {"empty", ""}, {"c", "d=e"}, {"a", "2"}, {"", "v"}};
  EXPECT_EQ(target->query, wanted);
  EXPECT_TRUE(parse_target("/p?")->query.empty());
}

TEST(Target, RefusesWhatIsNoPlainPath) {
  for (const char* text :
       {"",      "*",       "x",          "/..",     "/a/../b", "/%2e%2e/b",  "/a/%2E./b",
        "/a/.",  "/a/..",   "/a%2F..%2F", "/%",      "/%4",     "/%zz",       "/a%00b",
        "/a%0d", "/a%7F",   "/a\x01",     "/%ff",    "/%C0%AF", "/%ED%A0%80", "/a#b",
        "/?a=%", "/?a=%00", "/?a=%0A",    "/?%ff=1", "/a?x#y",  "host:443",   "//%2e%2e"}) {
    EXPECT_TRUE(path_of(text).starts_with("refused")) << text << " gave " << path_of(text);
  }
}

TEST(Target, IsBounded) {
  EXPECT_EQ(parse_target("/" + std::string(kMostTargetBytes, 'x')).error().code(),
            Code::kResourceExhausted);
  EXPECT_TRUE(parse_target("/" + std::string(kMostTargetBytes - 1, 'x')));
  std::string many = "/?";
  for (size_t i = 0; i < kMostQueryParameters; ++i) many += "a&";
  EXPECT_TRUE(parse_target(many));
  EXPECT_FALSE(parse_target(many + "a"));
}

TEST(Characters, KnowWellFormedUtf8) {
  for (const char* good : {"", "abc", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                           "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(valid_utf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE1\x80", "\xED\xA0\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF1\x80\x80", "\xFF"}) {
    EXPECT_FALSE(valid_utf8(bad)) << bad;
  }
}

TEST(Characters, FindTokensInLists) {
  EXPECT_TRUE(lists_token("keep-alive, Close", "close"));
  EXPECT_TRUE(lists_token("close", "close"));
  EXPECT_FALSE(lists_token("closed, disclose", "close"));
  EXPECT_FALSE(lists_token("", "close"));
}

}  // namespace
}  // namespace maie::http
