#include <gtest/gtest.h>

#include "server/http/head_check.h"
#include "server/http/request_parser.h"
#include "server/http/target.h"
#include "tests/server/http_vectors.h"

namespace maie::http {
namespace {

TEST(HeadCheck, RefusesWhatReadersCouldDisagreeAbout) {
  for (const BadHead& bad : bad_heads()) {
    std::optional<Refusal> refusal = check_head_start(bad.head);
    const size_t end = find_head_end(bad.head);
    if (!refusal && end == std::string::npos) continue;  // too long: bounded by who reads
    RequestParser parser;
    if (!refusal) refusal = parser.parse_head(bad.head.substr(0, end));
    if (!refusal && !parse_target(parser.target())) refusal = bad_request("");
    if (bad.status == 431 && !refusal) continue;
    ASSERT_TRUE(refusal) << bad.what;
    EXPECT_EQ(refusal->status, bad.status) << bad.what;
  }
}

TEST(HeadCheck, FindsTheEnd) {
  EXPECT_EQ(find_head_end("a\r\n\r\nb"), 5U);
  EXPECT_EQ(find_head_end("a\r\n\r"), std::string::npos);
  EXPECT_EQ(find_head_end("a\r\n\r\n", 4), 5U);
  EXPECT_EQ(find_head_end("\r\n\r\n", 1), 4U);
}

TEST(RequestParser, ReadsAHead) {
  RequestParser parser;
  ASSERT_FALSE(
      parser.parse_head("POST /a?b HTTP/1.1\r\nHost: x\r\nX-A:  b c \r\nX-E:\r\n"
                        "Content-Length: 3\r\n\r\n"));
  EXPECT_EQ(parser.method(), "POST");
  EXPECT_EQ(parser.target(), "/a?b");
  EXPECT_TRUE(parser.version_11());
  EXPECT_TRUE(parser.keep_alive());
  EXPECT_EQ(parser.headers().get("x-a"), "b c");
  EXPECT_TRUE(parser.headers().has("x-e"));
  EXPECT_EQ(parser.content_length(), 3U);
  EXPECT_FALSE(parser.done());
  std::string body;
  const auto sink = [&](std::string_view piece) { body += piece; };
  EXPECT_EQ(parser.parse_body("abcGET", sink), 3U);  // the next request stays
  EXPECT_EQ(body, "abc");
  EXPECT_TRUE(parser.done());
}

/// The body that chunks hold, fed in pieces; "broken" or "unfinished" otherwise.
std::string unchunked(std::string_view chunks, size_t piece) {
  RequestParser parser;
  EXPECT_FALSE(
      parser.parse_head("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
  std::string body, held;
  const auto sink = [&](std::string_view bytes) { body += bytes; };
  for (size_t at = 0; at < chunks.size() && !parser.done(); at += piece) {
    held += chunks.substr(at, piece);
    const auto used = parser.parse_body(held, sink);
    if (!used || held.size() - *used > 30'000) return "broken";
    held.erase(0, *used);
  }
  return parser.done() ? body : "unfinished";
}

TEST(RequestParser, JoinsChunksHoweverTheyAreCut) {
  for (size_t piece = 1; piece < 50; ++piece) {
    EXPECT_EQ(unchunked("3\r\nabc\r\n0A;a=b;c=\"d;\"\r\n0123456789\r\n00\r\nX: y\r\n\r\n", piece),
              "abc0123456789");
    EXPECT_EQ(unchunked("0\r\n\r\n", piece), "");
    EXPECT_EQ(unchunked("3\r\nabc\r\n", piece), "unfinished");
  }
}

TEST(RequestParser, RefusesBadChunks) {
  for (const std::string& chunks : bad_chunks()) {
    for (const size_t piece : {size_t{1}, size_t{3}, size_t{100'000}}) {
      EXPECT_EQ(unchunked(chunks, piece), "broken") << chunks.substr(0, 30) << " by " << piece;
    }
  }
}

TEST(RequestParser, KnowsWhetherTheConnectionStays) {
  const auto stays = [](const std::string& head) {
    RequestParser parser;
    EXPECT_FALSE(parser.parse_head(head)) << head;
    return parser.keep_alive();
  };
  EXPECT_TRUE(stays("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.1\r\nHost: x\r\nConnection: a, close\r\n\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(stays("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

}  // namespace
}  // namespace maie::http
