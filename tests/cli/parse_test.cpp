#include "cli/parse.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace maie::cli {
namespace {

TEST(Clock, ReadsSecondsMinutesAndHours) {
  EXPECT_DOUBLE_EQ(parse_clock("12").value(), 12);
  EXPECT_DOUBLE_EQ(parse_clock("12.5").value(), 12.5);
  EXPECT_DOUBLE_EQ(parse_clock("90").value(), 90);
  EXPECT_DOUBLE_EQ(parse_clock("1:02").value(), 62);
  EXPECT_DOUBLE_EQ(parse_clock("01:02:03.250").value(), 3723.25);
  EXPECT_DOUBLE_EQ(parse_clock("90:00").value(), 5400);
  EXPECT_DOUBLE_EQ(parse_clock(".5").value(), 0.5);
}

TEST(Clock, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", " ", "x", "1:60", "1:2:60", "1:61:00", "1:2:3:4", "1.5:00", "-1", "+1", "1e3", "nan",
        "inf", "0x10", "1:", ":1", ".", "1..2", "99999999999999"}) {
    const Result<double> value = parse_clock(text);
    ASSERT_FALSE(value.has_value()) << text;
    EXPECT_EQ(value.error().code(), Code::kInvalidInput);
    EXPECT_NE(value.error().message().find('"' + std::string(text) + '"'), std::string::npos);
  }
}

TEST(Clip, TakesEitherSideEmpty) {
  const auto clip = parse_clip("10-1:20.5").value();
  EXPECT_DOUBLE_EQ(clip.start_s, 10);
  EXPECT_DOUBLE_EQ(clip.end_s, 80.5);
  EXPECT_DOUBLE_EQ(parse_clip("-30").value().end_s, 30);
  EXPECT_DOUBLE_EQ(parse_clip("-30").value().start_s, 0);
  EXPECT_DOUBLE_EQ(parse_clip("1:00:00-").value().start_s, 3600);
  EXPECT_DOUBLE_EQ(parse_clip("1:00:00-").value().end_s, 0);  // to the end
  EXPECT_DOUBLE_EQ(parse_clip("-").value().end_s, 0);
}

TEST(Clip, RefusesWhatIsEmptyOrBackwards) {
  for (const char* text : {"", "10", "10-5", "5-5", "-0", "a-b", "1-2-3", "10:00"}) {
    EXPECT_FALSE(parse_clip(text).has_value()) << text;
  }
}

TEST(Temperatures, ReadOneOrMany) {
  EXPECT_EQ(parse_temperatures("0").value(), std::vector<double>({0}));
  EXPECT_EQ(parse_temperatures("0, 0.2,0.4").value(), std::vector<double>({0, 0.2, 0.4}));
  for (const char* text : {"", ",", "-1", "3", "nan", "0,x"})
    EXPECT_FALSE(parse_temperatures(text).has_value()) << text;
}

TEST(TokenList, ReadsNumbersAndMinusOne) {
  EXPECT_EQ(parse_token_list("-1,50257").value(), std::vector<int>({-1, 50257}));
  EXPECT_TRUE(parse_token_list("").value().empty());
  for (const char* text : {"-2", "x", "1.5", "99999999999"})
    EXPECT_FALSE(parse_token_list(text).has_value()) << text;
}

// Whatever is typed gives a value within bounds or an error, never a crash.
TEST(Clip, SurvivesAnyText) {
  std::mt19937 random(7);
  const std::string letters = "0123456789:.-- ,e+n\xff";
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (size_t length = random() % 12; text.size() < length;)
      text += letters[random() % letters.size()];
    const auto clip = parse_clip(text);
    if (!clip.has_value()) continue;
    EXPECT_TRUE(std::isfinite(clip->start_s) && clip->start_s >= 0) << text;
    EXPECT_TRUE(clip->end_s == 0 || clip->end_s > clip->start_s) << text;
  }
}

}  // namespace
}  // namespace maie::cli
