// The first mini model's vocabulary wrote most words as a space and the word apart. The lists of
// tokens that are not sampled hold the first token of " -", " '" and of the signs of music, and of
// a blank: there all of them were that space. The transcript then lacked most of its spaces, or,
// from a ggml copy of the weights, which names no such lists, began with "So create" instead of "To
// create".
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "base/json.h"
#include "text/byte_alphabet.h"
#include "text/whisper_tokenizer.h"

namespace maie::text {
namespace {

// A vocabulary of bytes alone: no word has its space in its first token.
Result<WhisperTokenizer> tokenizer_of_bytes() {
  Json vocabulary = Json::object();
  for (int b = 0; b < 256; ++b) vocabulary[bytes_to_alphabet(std::string(1, char(b)))] = b;
  Json added = Json::array();
  const auto add = [&](const std::string& name) {
    added.push_back({{"id", 256 + added.size()}, {"content", name}, {"special", true}});
  };
  for (const char* name : {"<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>"}) add(name);
  for (int i = 0; i <= 1500; ++i) {
    char name[16];
    std::snprintf(name, sizeof name, "<|%.2f|>", 0.02 * i);
    add(name);
  }
  const Json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};
  const Json file = {
      {"added_tokens", added},
      {"pre_tokenizer", byte_level},
      {"decoder", byte_level},
      {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", Json::array()}}}};
  MAIE_ASSIGN(BpeTokenizer bpe, BpeTokenizer::from_tokenizer_json(file.dump()));
  return WhisperTokenizer::from_bpe(std::move(bpe));
}

bool has(const std::vector<int32_t>& ids, int32_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

TEST(Regress2, WordsThatBeginWithABareSpaceCanBeWritten) {
  const Result<WhisperTokenizer> tokenizer = tokenizer_of_bytes();
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message();
  const std::vector<int32_t> space = *tokenizer->encode(" ");
  ASSERT_EQ(space.size(), 1u);
  const std::vector<int32_t> word = *tokenizer->encode(" To");
  ASSERT_EQ(word.front(), space.front())
      << "the vocabulary of this test is one that writes the space apart";
  const std::vector<int32_t> wanted = {-1};
  EXPECT_FALSE(has(tokenizer->suppressed_tokens(wanted), space.front()));
  EXPECT_FALSE(has(tokenizer->blank_tokens(), space.front()));
  EXPECT_TRUE(has(tokenizer->blank_tokens(), tokenizer->eot()));
}

}  // namespace
}  // namespace maie::text
