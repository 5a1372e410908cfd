#include "text/normalize.h"

#include <gtest/gtest.h>

namespace maie::text {
namespace {

TEST(NormalizeForScoring, KeepsOnlyWhatIsSpoken) {
  EXPECT_EQ(normalize_for_scoring("  Hello,   WORLD! "), "hello world");
  EXPECT_EQ(normalize_for_scoring("Don't — well-known\tthings…"), "dont well known things");
  EXPECT_EQ(normalize_for_scoring("CỘNG HÒA"), "cộng hòa");
  EXPECT_EQ(normalize_for_scoring("Co\u0323\u0302ng"), "cộng");  // NFD equals NFC
  EXPECT_EQ(normalize_for_scoring("3.14 $5"), "3 14 5");
  EXPECT_EQ(normalize_for_scoring("... !?"), "");
  EXPECT_EQ(normalize_for_scoring(""), "");
  EXPECT_EQ(normalize_for_scoring("a\xFF"
                                  "b"),
            "a b");
}

TEST(WordErrorRate, CountsTheFewestEdits) {
  const auto check = [](const char* reference, const char* hypothesis, int64_t errors,
                        int64_t words) {
    const WordErrors got = word_error_rate(reference, hypothesis);
    EXPECT_EQ(got.errors, errors) << reference << " | " << hypothesis;
    EXPECT_EQ(got.reference_words, words);
  };
  check("the cat sat", "The cat sat.", 0, 3);
  check("the cat sat", "the hat sat", 1, 3);
  check("the cat sat", "cat sat", 1, 3);
  check("the cat sat", "the big cat sat", 1, 3);
  check("the cat sat on the mat", "a cat on mat today", 4, 6);
  check("", "", 0, 0);
  check("", "two words", 2, 0);
  check("two words", "", 2, 2);
  EXPECT_DOUBLE_EQ(word_error_rate("a b c d", "a x c d").rate(), 0.25);
  EXPECT_DOUBLE_EQ(word_error_rate("", "a b").rate(), 2);
  EXPECT_DOUBLE_EQ(word_error_rate("", "").rate(), 0);
}

}  // namespace
}  // namespace maie::text
