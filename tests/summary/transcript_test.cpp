#include "summary/transcript.h"

#include <gtest/gtest.h>

namespace maie::summary {
namespace {

TEST(Transcript, SpeakersStandInLinesOfTheirOwn) {
  EXPECT_EQ(to_text({{{"S0", 0, 1, "Hello."}, {"S1", 1, 2, "Hi."}}, false}), "S0: Hello.\nS1: Hi.");
  EXPECT_EQ(to_text({{{"", 0, 1, "Hello."}, {"", 1, 2, "Hi."}}, false}), "Hello. Hi.");
  EXPECT_EQ(to_text({{{"", 0, 1, "Hello."}, {"S1", 1, 2, "Hi."}}, false}), "Hello.\nS1: Hi.");
}

TEST(Transcript, TextComesBackAsItWas) {
  for (const char* text : {"", "a", "a\nb", "\n\na b\n\n", "S0: hello\nS1: hi"}) {
    EXPECT_EQ(to_text(from_text(text)), text);
  }
}

TEST(Transcript, CharactersAreMadeFitForAPrompt) {
  EXPECT_EQ(clean_characters("a\r\nb\rc\n"), "a\nb\nc\n");
  EXPECT_EQ(clean_characters(std::string("a\0b\x1B[31m\x7F\tc", 11)), "a b [31m \tc");
  EXPECT_EQ(clean_characters("\xC2\x85x"), " x") << "C1 control characters";
  EXPECT_EQ(clean_characters("a\xED\xA0\x80z"), "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz")
      << "an unpaired surrogate is three invalid bytes";
  EXPECT_EQ(clean_characters("a\xFF"), "a\xEF\xBF\xBD");
  EXPECT_EQ(clean_characters("e\xCC\x81"), "\xC3\xA9");
}

TEST(Prepared, RefusesWhatHoldsNoText) {
  for (const char* text : {"", " \n\t ", "\xE3\x80\x80", "\x01\x02"}) {
    const auto result = prepared(from_text(text));
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code(), Code::kInvalidInput);
    EXPECT_EQ(result.error().message().find("Input text is empty or invalid"), 0u);
  }
  EXPECT_FALSE(prepared({}));
  EXPECT_TRUE(prepared({{{"S0", 0, 0, "a"}}, false}));
}

TEST(Prepared, RefusesWhatIsTooLong) {
  Transcript huge;
  huge.turns.push_back({"", 0, 0, std::string(4 * kMostCharacters + 1, 'a')});
  EXPECT_EQ(prepared(huge).error().code(), Code::kResourceExhausted);
}

TEST(Prepared, LabelsAndTurnsBringNoLinesOfTheirOwn) {
  const auto result = prepared({{{"S\n0", 0, 0, " a\nb "}}, false});
  EXPECT_EQ(to_text(*result), "S 0: a b");
}

TEST(Prepared, LineEndsAroundATextAreNoLinesOfIt) {
  for (const char* text : {"a\n\n b", "a\n\n b\n", "\n \na\n\n b\n\n\t\n", "a\r\n\r\n b\r\n"}) {
    const auto result = prepared(from_text(text));
    ASSERT_TRUE(result) << text;
    EXPECT_EQ(to_text(*result), "a\n\n b") << text;
  }
}

}  // namespace
}  // namespace maie::summary
