#include "text/edit_distance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "text/utf8.h"

namespace maie::text {
namespace {

// The whole matrix, as the textbook has it.
int64_t by_matrix(const std::u32string& a, const std::u32string& b) {
  std::vector<std::vector<int64_t>> cell(a.size() + 1, std::vector<int64_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cell[i][j] = int64_t(i + j);
        continue;
      }
      cell[i][j] = std::min({cell[i - 1][j] + 1, cell[i][j - 1] + 1,
                             cell[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
    }
  }
  return cell[a.size()][b.size()];
}

std::u32string random_text(std::mt19937& random, size_t length, const std::u32string& letters) {
  std::u32string out;
  for (size_t i = 0; i < length; ++i) out += letters[random() % letters.size()];
  return out;
}

TEST(EditDistance, KnownPairs) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_DOUBLE_EQ(edit_rate(3, "kitten", "sitting"), 3.0 / 7);
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_DOUBLE_EQ(edit_rate(0, "", ""), 0);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_DOUBLE_EQ(edit_rate(3, "", "abc"), 1);
  EXPECT_EQ(edit_distance("Abc", "abc"), 1) << "case counts";
  EXPECT_EQ(edit_distance("họp", "hop"), 1) << "one code point, not two bytes";
  EXPECT_EQ(edit_distance("a\xFF", "a\xEF\xBF\xBD"), 0) << "invalid bytes count as U+FFFD";
}

TEST(EditDistance, EqualsTheWholeMatrixAroundTheEdgesOfBlocks) {
  std::mt19937 random(7);
  const std::u32string few = U"ab", some = U"abcdefghijư ơ€𝄞";
  for (const size_t m : {1, 2, 31, 63, 64, 65, 127, 128, 129, 200}) {
    for (const size_t n : {1, 2, 63, 64, 65, 130, 200}) {
      for (const auto& letters : {few, some}) {
        const std::u32string a = random_text(random, m, letters),
                             b = random_text(random, n, letters);
        EXPECT_EQ(edit_distance(encode_utf8(a), encode_utf8(b)), by_matrix(a, b)) << m << " " << n;
      }
    }
  }
}

TEST(EditDistance, EqualsTheWholeMatrixAfterEdits) {
  std::mt19937 random(8);
  for (int round = 0; round < 50; ++round) {
    const std::u32string a = random_text(random, 1 + random() % 300, U"abcdef ");
    std::u32string b = a;
    for (size_t edits = random() % 20; edits > 0 && !b.empty(); --edits) {
      const size_t at = random() % b.size();
      if (random() % 2) {
        b.erase(at, 1 + random() % 3);
      } else {
        b.insert(at, random_text(random, 1 + random() % 3, U"xyz"));
      }
    }
    EXPECT_EQ(edit_distance(encode_utf8(a), encode_utf8(b)), by_matrix(a, b));
  }
}

// Longer than a stripe of rows: the differences handed from stripe to stripe count.
TEST(EditDistance, LongTextsAddUp) {
  std::mt19937 random(9);
  const std::u32string a = random_text(random, 40'000, U"abcdefghijklmnop");
  std::u32string b = a;
  for (size_t at = 50; at < b.size(); at += 100) b[at] = U'Z';  // a letter `a` has not
  EXPECT_EQ(edit_distance(encode_utf8(a), encode_utf8(b)), 400);
  EXPECT_EQ(edit_distance(encode_utf8(a), encode_utf8(std::u32string(a.rbegin(), a.rend()))),
            edit_distance(encode_utf8(std::u32string(a.rbegin(), a.rend())), encode_utf8(a)));
}

TEST(EditDistance, StripesEqualTheWholeMatrix) {
  std::mt19937 random(10);
  const std::u32string a = random_text(random, 17'000, U"abcd"),
                       b = random_text(random, 16'900, U"abcd");
  // By a matrix of two rows, which is another program than the one tested.
  std::vector<int64_t> row(b.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = int64_t(j);
  for (const char32_t c : a) {
    int64_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const int64_t changed = diagonal + (c == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  EXPECT_EQ(edit_distance(encode_utf8(a), encode_utf8(b)), row.back());
}

}  // namespace
}  // namespace maie::text
