#include "summary/pieces.h"

#include <chrono>
#include <random>

#include "summary/parallel.h"
#include "tests/summary/testing.h"
#include "text/utf8.h"

namespace maie::summary {
namespace {

std::vector<std::string> cut(const std::string& text, size_t most = 1000) {
  std::vector<std::string> out;
  for (const Span span : sentences(text, most)) {
    out.push_back(text.substr(span.start, span.end - span.start));
  }
  return out;
}
using Texts = std::vector<std::string>;

TokenCount words() {
  return [](std::string_view text) -> Result<int64_t> {
    int64_t count = 0;
    bool space = true;
    for (const char c : text) {
      const bool now = c == ' ' || c == '\n';
      if (space && !now) ++count;
      space = now;
    }
    return count;
  };
}

TEST(Sentences, EndWherePunctuationMeetsWhiteSpace) {
  EXPECT_EQ(cut("One. Two? Three!  Four… five"),
            (Texts{"One.", "Two?", "Three!", "Four…", "five"}));
  EXPECT_EQ(cut("He said \"no.\" Then 3.5 left."), (Texts{"He said \"no.\"", "Then 3.5 left."}));
  EXPECT_EQ(cut(" a\nb \n\n c "), (Texts{"a", "b", "c"}));
  EXPECT_EQ(cut("Họp xong。 Về"), (Texts{"Họp xong。", "Về"}));
  EXPECT_TRUE(cut("").empty());
  EXPECT_TRUE(cut(" \n ").empty());
}

TEST(Sentences, LongOnesAreCutAtSpacesElseBetweenCharacters) {
  EXPECT_EQ(cut("aa bb cc dd", 5), (Texts{"aa", "bb", "cc dd"}));
  EXPECT_EQ(cut("abcdefgh", 3), (Texts{"abc", "def", "gh"}));
  EXPECT_EQ(cut("ọọọ", 4), (Texts{"ọ", "ọ", "ọ"})) << "three bytes each, never cut within";
  EXPECT_EQ(cut("ọ", 1), (Texts{"ọ"}));
}

std::string together(const Transcript& transcript, const std::vector<Fragment>& all) {
  Transcript out = transcript;
  for (Turn& turn : out.turns) turn.text.clear();
  for (const Fragment& fragment : all)
    out.turns[fragment.turn].text += fragment.space + fragment.text;
  return to_text(out);
}

TEST(Fragments, MakeUpTheTextAgain) {
  std::mt19937 random(3);
  const std::u32string letters = U"abcđư. ?\n  ";
  for (int round = 0; round < 300; ++round) {
    std::u32string text;
    for (size_t i = random() % 200; i > 0; --i) text += letters[random() % letters.size()];
    const Transcript transcript = from_text(text::encode_utf8(text));
    for (const int64_t most : {1, 3, 10, 1000}) {
      const auto all = fragments(transcript, most, words());
      ASSERT_TRUE(all);
      EXPECT_EQ(together(transcript, *all), text::encode_utf8(text));
      const std::vector<Range> runs = packed(*all, most);
      size_t next = 0;
      for (const Range run : runs) {
        EXPECT_EQ(run.first, next);
        EXPECT_GT(run.last, run.first);
        next = run.last;
      }
      EXPECT_EQ(next, all->size());
    }
  }
}

TEST(Fragments, LongTurnsAreCutAtSentencesAndShareTheirTime) {
  const Transcript transcript{{{"S0", 10, 20, "One two. Three four."}, {"S1", 20, 21, "Five."}},
                              false};
  const auto all = fragments(transcript, 3, words());
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ((*all)[0].text, "One two.");
  EXPECT_EQ((*all)[1].space, " ");
  EXPECT_EQ((*all)[1].text, "Three four.");
  EXPECT_DOUBLE_EQ((*all)[0].start_s, 10);
  EXPECT_DOUBLE_EQ((*all)[0].end_s, 14);      // 8 of 20 bytes
  EXPECT_DOUBLE_EQ((*all)[1].start_s, 14.5);  // 9 of 20
  EXPECT_DOUBLE_EQ((*all)[1].end_s, 20);
  EXPECT_EQ(text_of(transcript, *all, {1, 3}), "S0: Three four.\nS1: Five.") << "the label again";
  EXPECT_EQ(text_of(transcript, *all, {0, 3}), to_text(transcript));
}

TEST(Packed, RunsAreFewAndOfAboutTheSameSize) {
  std::vector<Fragment> all(10);
  for (Fragment& fragment : all) fragment.tokens = 10;
  const std::vector<Range> runs = packed(all, 60);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].last, 5u) << "five and five, not six and four";
  EXPECT_EQ(packed(all, 1000).size(), 1u);
  EXPECT_EQ(packed(all, 5).size(), 10u) << "one that is too large stands alone";
  EXPECT_TRUE(packed({}, 5).empty());
}

TEST(Overlapping, ReachesBackButNeverOverAllOfTheRunBefore) {
  std::vector<Fragment> all(10);
  for (Fragment& fragment : all) fragment.tokens = 10;
  auto runs = overlapping(all, packed(all, 50), 25);
  EXPECT_EQ(runs[1].first, 3u) << "two fragments are twenty tokens";
  runs = overlapping(all, packed(all, 50), 0);
  EXPECT_EQ(runs[1].first, 4u) << "at least one";
  runs = overlapping(all, packed(all, 10), 1000);
  EXPECT_EQ(runs[1].first, 1u) << "runs of one fragment are not repeated";
  runs = overlapping(all, packed(all, 20), 1000);
  EXPECT_EQ(runs[1].first, 1u);
}

Fragment of_turn(size_t turn, int64_t tokens, bool first = true) {
  Fragment out;
  out.turn = turn;
  out.first = first;
  out.tokens = tokens;
  return out;
}

std::vector<std::pair<size_t, size_t>> cut_in_two(const std::vector<Fragment>& all, Range range,
                                                  int64_t least = 0, double overlap = 0) {
  std::vector<std::pair<size_t, size_t>> out;
  for (const Range half : halves(all, range, least, overlap)) {
    out.emplace_back(half.first, half.last);
  }
  return out;
}
using Ranges = std::vector<std::pair<size_t, size_t>>;

TEST(Halves, MeetWhereATurnBeginsNearTheMiddle) {
  std::vector<Fragment> turns;
  for (size_t i = 0; i < 10; ++i) turns.push_back(of_turn(i, 10));
  EXPECT_EQ(cut_in_two(turns, {0, 10}), (Ranges{{0, 5}, {4, 10}})) << "one turn in both";
  EXPECT_EQ(cut_in_two(turns, {2, 6}), (Ranges{{2, 4}, {3, 6}}));
  EXPECT_EQ(cut_in_two(turns, {0, 10}, 0, 0.3), (Ranges{{0, 5}, {2, 10}}));
  // The middle of the tokens is within turn 1, which is long; its end is near enough.
  const std::vector<Fragment> uneven{of_turn(0, 10), of_turn(1, 20), of_turn(1, 20, false),
                                     of_turn(1, 20, false), of_turn(2, 30)};
  EXPECT_EQ(cut_in_two(uneven, {0, 5}), (Ranges{{0, 4}, {3, 5}}));
  // No turn begins in the middle half.
  const std::vector<Fragment> one{of_turn(0, 5),         of_turn(1, 20),
                                  of_turn(1, 20, false), of_turn(1, 20, false),
                                  of_turn(1, 20, false), of_turn(2, 5)};
  EXPECT_EQ(cut_in_two(one, {0, 6}), (Ranges{{0, 3}, {2, 6}}));
}

TEST(Halves, AreSmallerThanTheWholeAndEndAtOneFragment) {
  const std::vector<Fragment> turns{of_turn(0, 40), of_turn(1, 10), of_turn(2, 50)};
  EXPECT_EQ(cut_in_two(turns, {0, 2}, 0, 0.3), (Ranges{{0, 1}, {1, 2}}));
  EXPECT_EQ(cut_in_two(turns, {0, 3}, 100, 0.3), (Ranges{{0, 2}, {1, 3}}));
  EXPECT_TRUE(cut_in_two(turns, {0, 3}, 101).empty());
  EXPECT_TRUE(cut_in_two(turns, {1, 2}).empty());
  EXPECT_TRUE(cut_in_two(turns, {1, 1}).empty());
}

TEST(Fragments, TwoMillionCharactersTakeSeconds) {
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& text : {std::string(2'000'000, 'a'), std::string(2'000'000, '\n')}) {
    const auto all = fragments(from_text(text), 600, words());
    ASSERT_TRUE(all);
    EXPECT_FALSE(packed(*all, 600).empty());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST(InParallel, DoesAllOnceAndStopsWhenTold) {
  std::vector<std::atomic<int>> done(100);
  in_parallel(100, 4, [&](size_t i) { return ++done[i] > 0; });
  for (const auto& count : done) EXPECT_EQ(count, 1);
  int calls = 0;
  in_parallel(100, 1, [&](size_t i) { return ++calls, i < 4; });
  EXPECT_EQ(calls, 5);
  in_parallel(0, 4, [](size_t) { return true; });
  EXPECT_THROW(in_parallel(5, 2, [](size_t) -> bool { throw std::runtime_error("x"); }),
               std::runtime_error);
}

TEST(Meter, NeverGoesBack) {
  std::vector<double> seen;
  Meter meter([&](double fraction) { seen.push_back(fraction); }, {3, 1});
  meter.set(0, 0.5);
  meter.set(0, 0.2);
  meter.set(1, 1);
  meter.set(0, 1);
  EXPECT_EQ(seen, (std::vector<double>{0.375, 0.625, 1}));
}

}  // namespace
}  // namespace maie::summary
