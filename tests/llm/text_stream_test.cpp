#include "llm/text_stream.h"

#include <gtest/gtest.h>

#include <random>

#include "text/utf8.h"

namespace maie::llm {
namespace {

struct Streamed {
  std::string text, thinking;
  std::vector<std::string> pieces;
  bool stopped = false;
};

// The bytes in pieces of random length.
Streamed stream(const std::string& bytes, TextStream::Options options, std::mt19937& random,
                size_t longest = 4) {
  Streamed out;
  options.on_text = [&](std::string_view piece) { out.pieces.emplace_back(piece); };
  TextStream stream(std::move(options));
  for (size_t at = 0; at < bytes.size();) {
    const size_t size = std::min(bytes.size() - at, 1 + random() % longest);
    if (!stream.push(std::string_view(bytes).substr(at, size))) break;
    at += size;
  }
  stream.finish();
  out.text = stream.text();
  out.thinking = stream.thinking();
  out.stopped = stream.stopped();
  std::string together;
  for (const std::string& piece : out.pieces) {
    EXPECT_EQ(text::repair_utf8(piece), piece) << "a piece is whole characters";
    EXPECT_FALSE(piece.empty());
    together += piece;
  }
  EXPECT_EQ(together, out.text);
  return out;
}

TEST(TextStream, GivesWholeCharactersHoweverBytesAreCut) {
  std::mt19937 random(1);
  const std::vector<std::string> parts = {
      "a", "é", "ế", "😀", "\xFF", "\xC3", "\xE1", "\xBA", "\xF0\x9F", "\xED\xA0\x80", "\xC0\x80"};
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (size_t n = random() % 12; n > 0; --n) bytes += parts[random() % parts.size()];
    EXPECT_EQ(stream(bytes, {}, random).text, text::repair_utf8(bytes));
  }
}

TEST(TextStream, NothingWholeIsHeldBack) {
  TextStream stream({.stops = {"END"}});
  stream.push("a\xC3");
  EXPECT_EQ(stream.text(), "a");
  stream.push("\xA9 E");
  EXPECT_EQ(stream.text(), "aé ");
  stream.push("NT");
  EXPECT_EQ(stream.text(), "aé ENT");
}

TEST(TextStream, EndsBeforeTheFirstStopString) {
  std::mt19937 random(2);
  const std::vector<std::string> letters = {"a", "b", "ế", "\n"};
  for (int round = 0; round < 3000; ++round) {
    std::string bytes;
    for (size_t n = random() % 16; n > 0; --n) bytes += letters[random() % letters.size()];
    std::vector<std::string> stops;
    for (size_t n = 1 + random() % 2; n > 0; --n) {
      std::string stop;
      for (size_t k = 2; k > 0; --k) stop += letters[random() % letters.size()];
      stops.push_back(stop);
    }
    size_t first = std::string::npos;
    for (const std::string& stop : stops) first = std::min(first, bytes.find(stop));
    // Byte by byte, so that which one comes first is not a matter of how they were cut.
    const Streamed got = stream(bytes, {.stops = stops}, random, 1);
    EXPECT_EQ(got.stopped, first != std::string::npos);
    EXPECT_EQ(got.text, bytes.substr(0, first));
  }
}

TEST(TextStream, ThinkingStandsApart) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    const size_t longest = 1 + random() % 20;
    const auto parts = [&](const std::string& bytes, bool starts = false) {
      const Streamed got =
          stream(bytes, {.stops = {"stop"}, .splits_thinking = true, .starts_thinking = starts},
                 random, longest);
      return std::pair(got.thinking, got.text);
    };
    using Pair = std::pair<std::string, std::string>;
    EXPECT_EQ(parts("<think>\nwhy? stop\n</think>\n\nSo."), Pair("why? stop", "So."));
    EXPECT_EQ(parts("<think>\n\n</think>\n\nSo. stop it"), Pair("", "So. "));
    EXPECT_EQ(parts("why </thin\n</think>So.", true), Pair("why </thin", "So."));
    EXPECT_EQ(parts("<think>\nnever ends"), Pair("never ends", ""));
    EXPECT_EQ(parts("I <think> so</think>"), Pair("", "I <think> so</think>"));
    EXPECT_EQ(parts(" <thin"), Pair("", " <thin"));
    EXPECT_EQ(parts("<think>a</think>\n\n\nb\n\nc"), Pair("a", "b\n\nc"));
    EXPECT_EQ(parts(""), Pair("", ""));
  }
}

TEST(TextStream, ThinkingIsTextWhereNobodySplitsIt) {
  TextStream stream({});
  stream.push("<think>a</think>b");
  stream.finish();
  EXPECT_EQ(stream.text(), "<think>a</think>b");
}

TEST(TextStream, IncompleteCharactersAreCounted) {
  EXPECT_EQ(incomplete_utf8(""), 0u);
  EXPECT_EQ(incomplete_utf8("a"), 0u);
  EXPECT_EQ(incomplete_utf8("\xC3"), 1u);
  EXPECT_EQ(incomplete_utf8("é"), 0u);
  EXPECT_EQ(incomplete_utf8("\xE1\xBA"), 2u);
  EXPECT_EQ(incomplete_utf8("\xF0\x9F\x98"), 3u);
  EXPECT_EQ(incomplete_utf8("\x80\x80\x80\x80"), 0u);
}

}  // namespace
}  // namespace maie::llm
