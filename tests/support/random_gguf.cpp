#include "tests/support/random_gguf.h"

#include <cmath>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "tensor/dtype.h"

namespace maie::support {
namespace {

using formats::BlockType;

void put_half(std::byte* at, float value) {
  const Half half(value);
  std::memcpy(at, &half.bits, sizeof half.bits);
}

// Where the halves of a block stand and what they are per unit of deviation. Codes are uniform:
// their own deviation is that of 16, 32 or 256 levels, and scales of 6 bits are 31.5 in the mean.
struct Halves {
  size_t scale_at = 0;
  float scale = 0;
  bool has_minimum = false;
  float minimum = 0;
};

Halves halves_of(BlockType type) {
  switch (type) {
    case BlockType::kQ4_0: return {0, 1 / 4.6f, false, 0};
    case BlockType::kQ4_1: return {0, 1 / 4.6f, true, -7.5f / 4.6f};
    case BlockType::kQ5_0: return {0, 1 / 9.2f, false, 0};
    case BlockType::kQ5_1: return {0, 1 / 9.2f, true, -15.5f / 9.2f};
    case BlockType::kQ8_0: return {0, 1 / 74.0f, false, 0};
    case BlockType::kQ4_K: return {0, 1 / 250.0f, true, 7.5f / 250};
    case BlockType::kQ5_K: return {0, 1 / 500.0f, true, 15.5f / 500};
    case BlockType::kQ6_K: return {208, 1 / 1370.0f, false, 0};
    default: break;
  }
  check(false, "a quantised type");
  return {};
}

int64_t file_type(BlockType type) {
  switch (type) {
    case BlockType::kF32: return 0;
    case BlockType::kF16: return 1;
    case BlockType::kQ4_0: return 2;
    case BlockType::kQ4_1: return 3;
    case BlockType::kQ8_0: return 7;
    case BlockType::kQ5_0: return 8;
    case BlockType::kQ5_1: return 9;
    case BlockType::kQ4_K: return 15;
    case BlockType::kQ5_K: return 17;
    case BlockType::kQ6_K: return 18;
    case BlockType::kBF16: return 32;
  }
  return 0;
}

class ModelWriter {
 public:
  ModelWriter(GgufWriter& file, const GgufModelShape& shape)
      : file_(file), shape_(shape), seed_(shape.seed) {}

  void metadata() {
    const std::string& name = shape_.architecture;
    file_.add("general.architecture", std::string_view(name));
    file_.add("general.name", "random weights");
    file_.add("general.file_type", uint32_t(file_type(shape_.type)));
    file_.add("general.quantization_version", uint32_t{2});
    const auto count = [&](const char* key, int64_t value) {
      file_.add(name + "." + key, uint32_t(value));
    };
    count("block_count", shape_.layers);
    count("context_length", shape_.context);
    count("embedding_length", shape_.width);
    count("feed_forward_length", shape_.ff_width);
    count("attention.head_count", shape_.heads);
    count("attention.head_count_kv", shape_.kv_heads);
    count("attention.key_length", shape_.head_width);
    count("attention.value_length", shape_.head_width);
    if (name == "llama") count("rope.dimension_count", shape_.head_width);
    if (name == "llama") count("vocab_size", shape_.vocabulary);
    file_.add(name + ".attention.layer_norm_rms_epsilon", 1e-6f);
    file_.add(name + ".rope.freq_base", shape_.rope_theta);
  }

  void tensors() {
    const GgufModelShape& s = shape_;
    embedding_seed_ = matrix("token_embd.weight", s.embedding, s.vocabulary, s.width);
    // What the layers add stays small beside the embedding that a copying model reads.
    const float branch = s.copies > 0 ? 0.02f : 1.0f;
    norm("output_norm.weight", s.width);
    if (s.copies > 0) {
      copying_output();
    } else if (!s.tied) {
      matrix("output.weight", s.embedding, s.vocabulary, s.width);
    }
    for (int64_t layer = 0; layer < s.layers; ++layer) {
      const std::string at = "blk." + std::to_string(layer) + ".";
      norm(at + "attn_norm.weight", s.width);
      matrix(at + "attn_q.weight", s.type, s.heads * s.head_width, s.width);
      matrix(at + "attn_k.weight", s.type, s.kv_heads * s.head_width, s.width);
      matrix(at + "attn_v.weight", s.type, s.kv_heads * s.head_width, s.width);
      matrix(at + "attn_output.weight", s.type, s.width, s.heads * s.head_width, branch);
      if (s.architecture == "qwen3") {
        norm(at + "attn_q_norm.weight", s.head_width);
        norm(at + "attn_k_norm.weight", s.head_width);
      }
      norm(at + "ffn_norm.weight", s.width);
      matrix(at + "ffn_gate.weight", s.type, s.ff_width, s.width);
      matrix(at + "ffn_up.weight", s.type, s.ff_width, s.width);
      matrix(at + "ffn_down.weight", s.type, s.width, s.ff_width, branch);
    }
  }

 private:
  uint64_t next_seed() { return seed_ += 0x9E3779B97F4A7C15u; }
  uint64_t matrix(const std::string& name, BlockType type, int64_t rows, int64_t columns,
                  float scale = 1) {
    const uint64_t seed = next_seed();
    file_.add_tensor(name, type, {rows, columns},
                     RandomBlocks(type, scale / std::sqrt(float(columns)), seed));
    return seed;
  }

  // The row of a token's successor is the token's own embedding, to the byte.
  void copying_output() {
    const GgufModelShape& s = shape_;
    check(!s.tied, "a model that copies has an output layer of its own");
    std::vector<int32_t> from(size_t(s.vocabulary), -1);
    const std::vector<int32_t> words = copied_tokens(s.vocabulary, s.copies);
    const int32_t line_break = '\n', end = int32_t(s.vocabulary) - 3;
    from[size_t(words.front())] = line_break;
    for (size_t i = 1; i < words.size(); ++i) from[size_t(words[i])] = words[i - 1];
    from[size_t(end)] = words.back();
    const size_t row_bytes =
        size_t(s.width) / formats::block_values(s.embedding) * formats::block_bytes(s.embedding);
    file_.add_tensor(
        "output.weight", s.embedding, {s.vocabulary, s.width},
        [s, from, row_bytes, seed = embedding_seed_, row = size_t{0},
         random = RandomBlocks(s.embedding, 1 / std::sqrt(float(s.width)), next_seed()),
         embedding =
             std::make_shared<std::vector<std::byte>>()](std::span<std::byte> bytes) mutable {
          if (embedding->empty()) {
            embedding->resize(size_t(s.vocabulary) * row_bytes);
            RandomBlocks(s.embedding, 1 / std::sqrt(float(s.width)), seed)(*embedding);
          }
          random(bytes);
          for (size_t at = 0; at < bytes.size(); at += row_bytes, ++row) {
            if (from[row] < 0) continue;
            std::memcpy(&bytes[at], &(*embedding)[size_t(from[row]) * row_bytes], row_bytes);
          }
        });
  }
  void norm(const std::string& name, int64_t size) {
    file_.add_tensor(name, BlockType::kF32, {size},
                     [random = RandomBlocks(BlockType::kF32, 0.1f, next_seed())](
                         std::span<std::byte> bytes) mutable {
                       random(bytes);
                       for (size_t at = 0; at < bytes.size(); at += 4) {
                         float value;
                         std::memcpy(&value, &bytes[at], 4);
                         value += 1;
                         std::memcpy(&bytes[at], &value, 4);
                       }
                     });
  }

  GgufWriter& file_;
  const GgufModelShape& shape_;
  uint64_t seed_;
  uint64_t embedding_seed_ = 0;
};

}  // namespace

// SplitMix64 (Steele, Lea, Flood 2014).
uint64_t RandomBlocks::next() {
  uint64_t z = state_ += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

void RandomBlocks::operator()(std::span<std::byte> blocks) {
  const size_t step = formats::block_bytes(type_);
  check(blocks.size() % step == 0, "whole blocks");
  if (formats::block_values(type_) == 1) {
    for (size_t at = 0; at < blocks.size(); at += step) {
      // Uniform in +-sqrt(3), of deviation 1.
      const float unit = float(int64_t(next() >> 40) - (1 << 23)) * (1.7320508f / (1 << 23));
      const float value = unit * deviation_;
      if (type_ == BlockType::kF32) std::memcpy(&blocks[at], &value, 4);
      if (type_ == BlockType::kF16) put_half(&blocks[at], value);
      if (type_ == BlockType::kBF16) {
        const BFloat16 upper(value);
        std::memcpy(&blocks[at], &upper.bits, 2);
      }
    }
    return;
  }
  const Halves halves = halves_of(type_);
  for (size_t at = 0; at < blocks.size(); at += step) {
    // A block at a time, so that the values do not depend on how many blocks a call fills.
    for (size_t i = 0; i < step; i += 8) {
      const uint64_t bits = next();
      std::memcpy(&blocks[at + i], &bits, std::min<size_t>(8, step - i));
    }
    // Codes without a minimum lie half a step below 0 in the mean: a scale of either sign makes up
    // for it. All outputs of a layer would share that mean, and it would outgrow what a token says.
    const bool negative = !halves.has_minimum && (next() & 1) != 0;
    put_half(&blocks[at + halves.scale_at], (negative ? -deviation_ : deviation_) * halves.scale);
    if (halves.has_minimum) put_half(&blocks[at + 2], deviation_ * halves.minimum);
  }
}

GgufModelShape shape_of_1_5_billion() {
  return {.layers = 28,
          .width = 1536,
          .heads = 12,
          .kv_heads = 2,
          .head_width = 128,
          .ff_width = 8960,
          .vocabulary = 151936,
          .context = 32768};
}

void add_random_model(GgufWriter& file, const GgufModelShape& shape) {
  ModelWriter writer(file, shape);
  writer.metadata();
  add_synthetic_vocabulary(file, shape.vocabulary);
  writer.tensors();
}

void add_random_network(GgufWriter& file, const GgufModelShape& shape) {
  ModelWriter writer(file, shape);
  writer.metadata();
  writer.tensors();
}

}  // namespace maie::support
