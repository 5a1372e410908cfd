#include "text/bpe_tokenizer.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "tests/text/testing.h"
#include "text/byte_alphabet.h"
#include "text/utf8.h"

namespace maie::text {
namespace {

constexpr const char* kQwenPattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

std::vector<std::string> all_bytes() {
  std::vector<std::string> tokens;
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  return tokens;
}

void expect_golden_ids(const BpeTokenizer& tokenizer, const Json& texts, const Json& wanted) {
  ASSERT_EQ(texts.size(), wanted.size());
  ASSERT_GT(texts.size(), 50u);
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string text = texts[i];
    const auto ids = tokenizer.encode(text, AddedTokens::kAsText);
    ASSERT_TRUE(ids.has_value());
    EXPECT_EQ(*ids, wanted[i].get<std::vector<int32_t>>()) << text;
  }
}

class WhisperVocabulary : public testing::TestWithParam<const char*> {};

TEST_P(WhisperVocabulary, GivesTheIdsOfHuggingFaceTokenizers) {
  MAIE_OUTSIDE_DATA(file, std::string("whisper-vocab/") + GetParam() + ".tiktoken");
  const auto tokenizer = BpeTokenizer::from_tiktoken(file);
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message();
  const Json wanted = golden("whisper_ids.json");
  expect_golden_ids(*tokenizer, wanted["texts"], wanted[GetParam()]);
  for (const Json& text : wanted["texts"]) {
    EXPECT_EQ(tokenizer->decode(*tokenizer->encode(text.get<std::string>())),
              text.get<std::string>());
  }
  BpeOptions options;
  options.split_patterns = {kQwenPattern};
  options.nfc = true;
  const auto qwen = BpeTokenizer::from_tiktoken(file, {}, options);
  ASSERT_TRUE(qwen.has_value()) << qwen.error().message();
  expect_golden_ids(*qwen, wanted["texts"], wanted[std::string(GetParam()) + "_qwen_split"]);
}
INSTANTIATE_TEST_SUITE_P(Published, WhisperVocabulary, testing::Values("gpt2", "multilingual"));

TEST(BpeTokenizer, MergesLongPiecesAsShortOnes) {
  // Random ranks over three letters: a text longer than the scan takes must come out of the heap
  // just as the definition says: merge the lowest rank, leftmost first, until none is left.
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    auto tokens = all_bytes();
    for (int i = 0; i < 12; ++i) {
      const std::string joined =
          std::string(1, "abc"[random() % 3]) + std::string(1, "abc"[random() % 3]);
      tokens.push_back(i < 6 ? joined : tokens[256 + random() % 6] + tokens[256 + random() % 6]);
    }
    std::string text;
    const size_t size = 1 + random() % 120;
    while (text.size() < size) text.push_back("abc"[random() % 3]);
    const auto tokenizer = BpeTokenizer::from_ranked_tokens(tokens);
    ASSERT_TRUE(tokenizer.has_value());

    std::vector<std::string> parts;
    for (const char c : text) parts.emplace_back(1, c);
    const auto rank_of = [&](const std::string& s) {
      return std::find(tokens.begin(), tokens.end(), s) - tokens.begin();
    };
    const bool whole = rank_of(text) < static_cast<ptrdiff_t>(tokens.size());
    while (!whole) {
      ptrdiff_t best = static_cast<ptrdiff_t>(tokens.size());
      size_t place = 0;
      for (size_t i = 0; i + 1 < parts.size(); ++i) {
        if (const auto rank = rank_of(parts[i] + parts[i + 1]); rank < best) {
          best = rank;
          place = i;
        }
      }
      if (best == static_cast<ptrdiff_t>(tokens.size())) break;
      parts[place] += parts[place + 1];
      parts.erase(parts.begin() + static_cast<ptrdiff_t>(place) + 1);
    }
    std::vector<int32_t> wanted;
    if (whole) {
      wanted.push_back(static_cast<int32_t>(rank_of(text)));
    } else {
      for (const std::string& part : parts) wanted.push_back(static_cast<int32_t>(rank_of(part)));
    }
    ASSERT_EQ(*tokenizer->encode(text), wanted) << text;
  }
}

TEST(BpeTokenizer, EncodesAMegabyteWithoutSpaces) {
  auto tokens = all_bytes();
  for (int i = 0; i < 8; ++i)
    tokens.push_back(tokens.back() == "\xFF" ? "aa" : tokens.back() + tokens.back());
  const auto tokenizer = BpeTokenizer::from_ranked_tokens(tokens);
  ASSERT_TRUE(tokenizer.has_value());
  const std::string text(1 << 20, 'a');
  const auto begin = std::chrono::steady_clock::now();
  const auto ids = tokenizer->encode(text);
  const auto took = std::chrono::steady_clock::now() - begin;
  ASSERT_TRUE(ids.has_value());
  EXPECT_EQ(ids->size(), text.size() / 256);
  EXPECT_EQ(tokenizer->decode(*ids), text);
  // Quadratic time would be hours; the bound only tells the two apart, also under a sanitizer.
  EXPECT_LT(std::chrono::duration<double>(took).count(), 60);
}

TEST(BpeTokenizer, RoundTripsRandomUnicode) {
  const auto tokenizer = BpeTokenizer::from_ranked_tokens(all_bytes());
  ASSERT_TRUE(tokenizer.has_value());
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (size_t i = random() % 40; i > 0; --i) {
      append_utf8(text, random() % 3 == 0 ? random() % 0x110000 : random() % 0x300);
    }
    EXPECT_EQ(tokenizer->decode(*tokenizer->encode(text)), text);
  }
}

TEST(BpeTokenizer, TakesInvalidUtf8AsReplacementCharacters) {
  const auto tokenizer = BpeTokenizer::from_ranked_tokens(all_bytes());
  EXPECT_EQ(tokenizer->decode(*tokenizer->encode("a\xFF"
                                                 "b")),
            "a\uFFFDb");
  const std::vector<int32_t> cut{0xE6, 0x97};  // two thirds of a character
  EXPECT_EQ(tokenizer->decode(cut), "\uFFFD");
  EXPECT_EQ(tokenizer->decode_bytes(cut), "\xE6\x97");
}

TEST(BpeTokenizer, IgnoresIdsOutsideTheVocabulary) {
  const auto tokenizer = BpeTokenizer::from_ranked_tokens(all_bytes());
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{-1, 'a', 256, INT32_MAX, INT32_MIN}), "a");
  EXPECT_EQ(tokenizer->size(), 256);
  EXPECT_FALSE(tokenizer->is_special(-1));
  EXPECT_FALSE(tokenizer->token_to_id("nothing").has_value());
}

TEST(BpeTokenizer, KeepsNamesOfUsersText) {
  auto tokens = all_bytes();
  const auto tokenizer =
      BpeTokenizer::from_ranked_tokens(tokens, {{.id = 256, .content = "<|x|>"}});
  ASSERT_TRUE(tokenizer.has_value());
  EXPECT_EQ(tokenizer->encode("a<|x|>")->back(), 256);
  EXPECT_EQ(tokenizer->encode("a<|x|>", AddedTokens::kAsText)->size(), 6u);
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{'a', 256}), "a<|x|>");
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{'a', 256}, true), "a");
}

TEST(BpeTokenizer, RefusesBrokenVocabularies) {
  EXPECT_EQ(BpeTokenizer::from_tiktoken("").error().code(), Code::kCorrupt);
  for (const char* file : {"IQ== 1\n", "IQ== 0\nIg== 2\n", "IQ 0\n", "I!== 0\n", "IQ==\n",
                           "IQ== x\n", "IQ== 99999999999999999999\n", "=Q== 0\n"}) {
    const auto tokenizer = BpeTokenizer::from_tiktoken(file);
    ASSERT_FALSE(tokenizer.has_value()) << file;
    EXPECT_NE(tokenizer.error().message().find("line "), std::string::npos);
  }
  EXPECT_FALSE(BpeTokenizer::from_vocabulary_and_merges({"a", "b"}, {"a b"}).has_value());
  EXPECT_FALSE(BpeTokenizer::from_vocabulary_and_merges({"a", "b", "ab"}, {"a"}).has_value());
  EXPECT_FALSE(BpeTokenizer::from_vocabulary_and_merges({"a", "b", "ab"}, {"a  b"}).has_value());
  EXPECT_TRUE(BpeTokenizer::from_vocabulary_and_merges({"a", "b", "ab"}, {"a b"}).has_value());
  EXPECT_FALSE(BpeTokenizer::from_ranked_tokens({"a"}, {{.id = -5, .content = "x"}}).has_value());
  EXPECT_FALSE(
      BpeTokenizer::from_ranked_tokens({"a"}, {{.id = 1 << 30, .content = "x"}}).has_value());
  EXPECT_FALSE(BpeTokenizer::from_ct2_vocabulary("").has_value());
  EXPECT_FALSE(BpeTokenizer::from_ct2_vocabulary("[1]").has_value());
  EXPECT_FALSE(BpeTokenizer::from_ct2_vocabulary("[\"a\"").has_value());
}

TEST(BpeTokenizer, ReadsBothCt2Vocabularies) {
  std::string lines, array;
  for (int b = 0; b < 256; ++b) {
    const std::string token = bytes_to_alphabet(std::string(1, static_cast<char>(b)));
    lines += token + "\n";
    if (!array.empty()) array.push_back(',');
    array += Json(token).dump();
  }
  lines += "th\n<|endoftext|>\n";
  array += ",\"th\",\"<|endoftext|>\"";
  for (const std::string& file : {lines, "[" + array + "]"}) {
    const auto tokenizer = BpeTokenizer::from_ct2_vocabulary(file);
    ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message();
    EXPECT_EQ(tokenizer->size(), 258);
    EXPECT_EQ(*tokenizer->encode("the\n<|endoftext|>"),
              (std::vector<int32_t>{256, 'e', '\n', 257}));
    EXPECT_EQ(tokenizer->token_to_id("<|endoftext|>"), 257);
  }
}

}  // namespace
}  // namespace maie::text
