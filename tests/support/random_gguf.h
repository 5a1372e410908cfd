#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/gguf_writer.h"

namespace maie::support {

/// What a language model with random weights looks like. As it stands: a tiny one.
struct GgufModelShape {
  std::string architecture = "qwen3";  ///< or "llama": no norms of q and k, rope.dimension_count
  int64_t layers = 2;
  int64_t width = 256;
  int64_t heads = 4;
  int64_t kv_heads = 2;
  int64_t head_width = 64;
  int64_t ff_width = 512;
  int64_t vocabulary = 512;  ///< at least 300
  int64_t context = 4096;
  float rope_theta = 1e6f;
  bool tied = true;                                          ///< no output.weight
  formats::BlockType type = formats::BlockType::kQ4_0;       ///< of the layers' matrices
  formats::BlockType embedding = formats::BlockType::kQ4_0;  ///< of token_embd and output
  uint64_t seed = 1;
  /// Above 0 a model that copies (untied only): behind each of the first so many tokens of
  /// `copied_tokens` the next one is the likeliest by far, behind the last the end of the message,
  /// behind a line break the first. So the answer to a prompt with their text is that text, with
  /// weights as random and passes as long as any.
  int64_t copies = 0;
};

/// 1.54 billion weights: width 1536, 28 layers, 151,936 tokens, Q4_0 throughout (870 MB).
GgufModelShape shape_of_1_5_billion();

/// Metadata, vocabulary, chat template and tensors. Matrices are random with a deviation of
/// 1 / sqrt(inputs), norms lie around 1; the same seed gives the same file on every machine.
void add_random_model(GgufWriter& file, const GgufModelShape& shape);

/// The same without vocabulary and chat template.
void add_random_network(GgufWriter& file, const GgufModelShape& shape);

/// A byte-level vocabulary of that size: the bytes, then letters merged two by two, with and
/// without a space before, then `<|endoftext|>`, `<|im_start|>`, `<|im_end|>`, `<think>` and
/// `</think>`, the last ids.
void add_synthetic_vocabulary(GgufWriter& file, int64_t size);

/// Ids of `count` words of that vocabulary, a space and letters each, whose text gives these tokens
/// when it is encoded. @throws ContractError when it has fewer.
std::vector<int32_t> copied_tokens(int64_t vocabulary, int64_t count);
/// Their text.
std::string copied_text(int64_t vocabulary, int64_t count);

/// Fills whole blocks with random values of about that deviation and mean 0.
/// Calls follow each other: the state goes on from one to the next.
class RandomBlocks {
 public:
  RandomBlocks(formats::BlockType type, float deviation, uint64_t seed)
      : type_(type), deviation_(deviation), state_(seed) {}
  void operator()(std::span<std::byte> blocks);

 private:
  uint64_t next();
  formats::BlockType type_;
  float deviation_;
  uint64_t state_;
};

}  // namespace maie::support
