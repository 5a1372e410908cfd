#include "text/regex_splitter.h"

#include <gtest/gtest.h>

namespace maie::text {
namespace {

std::vector<std::string> split(const std::string& pattern, const std::string& text) {
  const auto splitter = RegexSplitter::compile(pattern);
  EXPECT_TRUE(splitter.has_value()) << pattern;
  std::vector<std::string_view> pieces;
  EXPECT_TRUE(splitter->split(text, pieces).ok());
  return {pieces.begin(), pieces.end()};
}

using Pieces = std::vector<std::string>;

TEST(RegexSplitter, KeepsMatchesAndTheGapsBetweenThem) {
  EXPECT_EQ(split("[0-9]+", "ab12c3"), (Pieces{"ab", "12", "c", "3"}));
  EXPECT_EQ(split("x", "abc"), (Pieces{"abc"}));
  EXPECT_EQ(split("x", ""), Pieces{});
  EXPECT_EQ(split("x*", "aéxxb"), (Pieces{"aé", "xx", "b"}));  // empty matches cut nothing
}

TEST(RegexSplitter, TakesUnicodeWhiteSpaceForBackslashS) {
  EXPECT_EQ(split(R"(\s+)", "a\u00a0\u3000b"), (Pieces{"a", "\u00a0\u3000", "b"}));
  // U+180E and the information separators are not White_Space.
  EXPECT_EQ(split(R"(\s+)",
                  "a\u180e\x1c"
                  "b"),
            (Pieces{"a\u180e\x1c"
                    "b"}));
  EXPECT_EQ(split(R"([^\s]+)", "ab c"), (Pieces{"ab", " ", "c"}));
  EXPECT_EQ(split(R"(\S+)", "ab c"), (Pieces{"ab", " ", "c"}));
}

TEST(RegexSplitter, RefusesWhatItWouldReadDifferently) {
  for (const char* pattern :
       {R"(\w+)", R"(\bx)", R"(\h)", R"([\S])", "[a[b]]", "[]a]", "(", R"(a\Kb)"}) {
    const auto splitter = RegexSplitter::compile(pattern);
    ASSERT_FALSE(splitter.has_value()) << pattern;
    EXPECT_EQ(splitter.error().code(), Code::kUnsupported) << pattern;
    EXPECT_NE(splitter.error().message().find(pattern), std::string::npos) << pattern;
  }
}

TEST(RegexSplitter, StopsAPatternThatExplodes) {
  const auto splitter = RegexSplitter::compile("(a+)+$|b");
  ASSERT_TRUE(splitter.has_value());
  std::vector<std::string_view> pieces;
  const Status status = splitter->split(std::string(60, 'a') + "c", pieces);
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
}

}  // namespace
}  // namespace maie::text
