#include "server/delta_text.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "text/utf8.h"

namespace maie::server {
namespace {

const std::vector<std::string> kTexts = {
    " Xin chào các bạn, hôm nay chúng ta họp về ngân sách.  ",
    "大家好，今天我们讨论预算。",
    " Good morning 👩‍👩‍👧 everyone \n\t ",
    "",
    "   ",
    " \xE4\xBD broken \xFF\xF0\x9F and \xC3",
    " a  b   c ",
};

// The text cut at random bytes.
std::vector<std::string> cut(const std::string& text, std::mt19937& random) {
  std::vector<std::string> pieces;
  for (size_t at = 0; at < text.size();) {
    const size_t size = std::min<size_t>(1 + random() % 5, text.size() - at);
    pieces.push_back(text.substr(at, size));
    at += size;
    if (random() % 4 == 0) pieces.emplace_back();
  }
  return pieces;
}

TEST(DeltaText, MakesTheWholeTextOfAnyPieces) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    const std::string& text = kTexts[random() % kTexts.size()];
    const std::string whole(text::strip(text::repair_utf8(text)));
    // strip of what is kept for the reader
    DeltaText deltas(DeltaText::Ends::kStripped);
    std::string sent;
    for (const std::string& piece : cut(text, random)) {
      const auto delta = deltas.add(piece);
      ASSERT_TRUE(delta.has_value());
      EXPECT_EQ(text::repair_utf8(*delta), *delta) << "a character was split";
      sent += *delta;
      ASSERT_TRUE(whole.starts_with(sent)) << sent << "\n" << whole;
    }
    const auto rest = deltas.finish(whole);
    ASSERT_TRUE(rest.has_value());
    EXPECT_EQ(sent + *rest, whole);
  }
}

TEST(DeltaText, SendsWhatIsCertainAtOnce) {
  DeltaText deltas(DeltaText::Ends::kStripped);
  EXPECT_EQ(deltas.add(" Good"), "Good");
  EXPECT_EQ(deltas.add(" morning."), " morning.");
  EXPECT_EQ(deltas.add(" "), "");  // perhaps the end
  EXPECT_EQ(deltas.add("All"), " All");
  EXPECT_EQ(deltas.finish("Good morning. All"), "");
}

TEST(DeltaText, KeepsWhiteSpaceWhereItBelongsToTheText) {
  DeltaText deltas(DeltaText::Ends::kKept);
  EXPECT_EQ(deltas.add(" \n"), " \n");
  EXPECT_EQ(deltas.add("x "), "x ");
  EXPECT_EQ(deltas.finish(" \nx "), "");
}

TEST(DeltaText, AfterARestartSaysNothingTwice) {
  std::mt19937 random(2);
  for (int round = 0; round < 500; ++round) {
    const std::string whole = "Eins zwei drei vier fünf sechs.";
    DeltaText deltas(DeltaText::Ends::kStripped);
    std::string sent;
    for (int attempt = 0; attempt < 3; ++attempt) {
      std::vector<std::string> pieces = cut(whole, random);
      if (attempt < 2) pieces.resize(random() % (pieces.size() + 1));
      for (const std::string& piece : pieces) sent += deltas.add(piece).value();
      if (attempt < 2) deltas.restart();
    }
    EXPECT_EQ(sent + deltas.finish(whole).value(), whole);
  }
}

TEST(DeltaText, AnotherTextAfterARestartIsFound) {
  DeltaText deltas(DeltaText::Ends::kStripped);
  EXPECT_EQ(deltas.add("One two"), "One two");
  deltas.restart();
  EXPECT_EQ(deltas.add("One"), "");
  EXPECT_EQ(deltas.add(" three"), std::nullopt);
  EXPECT_EQ(deltas.finish("One three"), std::nullopt);
}

}  // namespace
}  // namespace maie::server
