#include "net/url.h"

#include <gtest/gtest.h>

namespace maie::net {
namespace {

TEST(Url, IsTakenApart) {
  const auto url = parse_url("HTTPS://Host.Example/a/b?c=d");
  ASSERT_TRUE(url) << url.error().message();
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->place(), "host.example:443");
  EXPECT_EQ(parse_url("http://[::1]:8080/x")->place(), "[::1]:8080");
}

TEST(Url, OtherSchemesAndBrokenOnesAreRefused) {
  for (const char* text :
       {"", "host", "ftp://host/", "file:///etc/passwd", "http://", "http://host:99999/",
        "http://a b/", "http://host/a b", "javascript:x", "http://host/\r\nX: y"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code(), Code::kInvalidInput);
  }
}

TEST(Url, ARefusalKeepsPasswordAndQueryToItself) {
  for (const char* text : {"ftp://name:secret@host/", "ftp://host/?token=secret"}) {
    EXPECT_EQ(parse_url(text).error().message().find("secret"), std::string::npos);
  }
}

TEST(Url, KnowsThisMachine) {
  for (const char* text : {"http://localhost:1/", "http://127.0.0.1/", "http://[::1]:5/"}) {
    EXPECT_TRUE(parse_url(text)->is_this_machine()) << text;
  }
  for (const char* text : {"http://localhost.example/", "http://10.0.0.1/", "http://128.0.0.1/"}) {
    EXPECT_FALSE(parse_url(text)->is_this_machine()) << text;
  }
}

TEST(Url, ALocationIsResolvedAgainstWhereItCameFrom) {
  const Url from = *parse_url("https://host/a/b?c");
  EXPECT_EQ(follow_location(from, "/x")->text, "https://host/x");
  EXPECT_EQ(follow_location(from, "x?y")->text, "https://host/a/x?y");
  EXPECT_EQ(follow_location(from, "//other/x")->text, "https://other/x");
  EXPECT_TRUE(follow_location(from, "/x")->same_origin(from));
  EXPECT_FALSE(follow_location(from, "//other/x")->same_origin(from));
  EXPECT_FALSE(follow_location(from, "https://host:444/x")->same_origin(from));
}

TEST(Url, HttpsNeverLeadsToHttpOrElsewhere) {
  const Url from = *parse_url("https://host/a");
  for (const char* location : {"http://host/a", "ftp://host/", "file:///etc/passwd", "https://"}) {
    const auto next = follow_location(from, location);
    ASSERT_FALSE(next) << location;
    EXPECT_EQ(next.error().code(), Code::kUnavailable);
  }
  EXPECT_TRUE(follow_location(*parse_url("http://host/a"), "https://host/a"));
}

}  // namespace
}  // namespace maie::net
