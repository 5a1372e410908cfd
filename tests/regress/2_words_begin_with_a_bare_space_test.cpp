// The mini model's vocabulary writes most words as a space and the word apart. The lists of tokens
// that are not sampled hold the first token of " -", " '" and of the signs of music, and of a
// blank: there all of them are that space. The transcript then lacked most of its spaces, or, from
// a ggml copy of the weights, which names no such lists, began with "So create" instead of "To
// create".
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "text/whisper_tokenizer.h"

namespace maie::text {
namespace {

Result<WhisperTokenizer> mini_tokenizer() {
  MAIE_ASSIGN(const std::string json,
              read_file(MAIE_SOURCE_DIR "/models/mini/asr/tokenizer.json", 1 << 20));
  MAIE_ASSIGN(BpeTokenizer bpe, BpeTokenizer::from_tokenizer_json(json));
  return WhisperTokenizer::from_bpe(std::move(bpe));
}

bool has(const std::vector<int32_t>& ids, int32_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

TEST(Regress2, WordsThatBeginWithABareSpaceCanBeWritten) {
  const Result<WhisperTokenizer> tokenizer = mini_tokenizer();
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
