#include "grammar/regex.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>

#include "text/utf8.h"

namespace maie::grammar {
namespace {

bool matches(const CodePointDfa& dfa, std::string_view text) {
  if (dfa.empty()) return false;
  int64_t state = 0;
  for (const char32_t c : text::decode_utf8(text)) {
    state = dfa.next(uint32_t(state), c);
    if (state < 0) return false;
  }
  return dfa.states[size_t(state)].accept;
}

// std::regex is the judge: the same grammar (ECMA), other code.
TEST(Regex, FindsWhatAnotherEngineFinds) {
  std::mt19937 random(7);
  for (const std::string pattern :
       {"^[0-9]{4}-[0-9]{2}$", "^[a-z]{2}$", "a|bc", "^a|b$", "(ab|a)*b", "^(a?){3}$", "x{0}y",
        "^[^ab]+$", "a.c", "^$", "^(?:a|b){2,}c?$", "\\d+\\.\\d", "[\\w-]+$", "^(a$|b)", "a{2,3}?b",
        "^((a|b)(c|d)?)+$", "\\(a\\)", "$a", "a^"}) {
    const auto dfa = compile_regex(pattern);
    ASSERT_TRUE(dfa.has_value()) << pattern << ": " << dfa.error().message();
    const std::regex judge(pattern);
    for (int i = 0; i < 3000; ++i) {
      std::string text;
      for (size_t n = random() % 9; n > 0; --n) text += "abcdxy01-.( )"[random() % 13];
      ASSERT_EQ(matches(*dfa, text), std::regex_search(text, judge)) << pattern << " / " << text;
    }
  }
}

TEST(Regex, CountsCodePoints) {
  const auto dfa = compile_regex("^.{2}$");
  ASSERT_TRUE(dfa.has_value());
  EXPECT_TRUE(matches(*dfa, "ế😀"));
  EXPECT_FALSE(matches(*dfa, "ế"));
}

TEST(Regex, RefusesWhatItCannotDoByName) {
  for (const std::string pattern : {"(?=a)", "(?!a)", "\\1", "\\bword", "\\p{L}", "(?<=a)b"}) {
    const auto dfa = compile_regex(pattern);
    ASSERT_FALSE(dfa.has_value()) << pattern;
    EXPECT_EQ(dfa.error().code(), Code::kUnsupported) << dfa.error().message();
  }
  for (const std::string pattern : {"(", ")", "[a", "a{3,2}", "*a", "[z-a]", "\\", "a{"}) {
    const auto dfa = compile_regex(pattern);
    ASSERT_FALSE(dfa.has_value()) << pattern;
    EXPECT_EQ(dfa.error().code(), Code::kInvalidInput) << dfa.error().message();
  }
  std::string nested = "a";
  for (int i = 0; i < 45; ++i) nested = "(" + nested + "?)?";
  for (const std::string& pattern :
       {std::string("(a{1000}){1000}"), std::string("(a|b)*a(a|b){40}"), nested}) {
    const auto dfa = compile_regex(pattern);
    ASSERT_FALSE(dfa.has_value()) << pattern;
    EXPECT_EQ(dfa.error().code(), Code::kResourceExhausted) << dfa.error().message();
  }
}

}  // namespace
}  // namespace maie::grammar
