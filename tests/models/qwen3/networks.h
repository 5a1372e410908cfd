#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "models/qwen3/model.h"
#include "tests/formats/hostile.h"
#include "tests/support/gguf_writer.h"

// Networks as files of several kinds, and what a model makes of them.

namespace maie::qwen3::testing {

using Loaded = std::shared_ptr<const Weights>;

inline Loaded opened(Result<Loaded> weights) {
  if (!weights.has_value()) throw std::runtime_error(weights.error().message());
  return std::move(*weights);
}

inline Loaded golden(const std::string& name) {
  return opened(Weights::open(std::string(MAIE_SOURCE_DIR) + "/tests/golden/qwen3/" + name));
}

/// @param bytes  of a GGUF file; they outlive the result.
inline Result<Loaded> open_gguf_bytes(const std::string& bytes) {
  MAIE_ASSIGN(auto file, formats::Gguf::parse(formats::as_bytes(bytes), "m.gguf"));
  return Weights::open(std::move(file));
}

inline std::vector<float> values_of(const formats::StoredMatrix& matrix) {
  std::vector<float> values(size_t(matrix.rows() * matrix.columns()));
  const Status read = matrix.read_floats(0, matrix.rows(), values);
  if (!read.ok()) throw std::runtime_error(read.message());
  return values;
}

/// Logits of each position of a text of that many tokens.
inline OwnedTensor logits_of(Loaded weights, ComputeType type, int64_t length = 40) {
  static ThreadPool threads(2);
  Stream s(threads);
  const int64_t V = weights->config().vocabulary;
  auto model =
      Model::load(s, std::move(weights),
                  {.compute_type = type, .cache_type = DType::kF32, .pages = 2, .max_rows = 64});
  if (!model.has_value()) throw std::runtime_error(model.error().message());
  std::vector<int> tokens(static_cast<size_t>(length)), wanted(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = int((i * i * 31 + 7 * i) % size_t(V));
  std::iota(wanted.begin(), wanted.end(), 0);
  const std::vector<int32_t> pages = {0, 1};
  const ops::SequenceRows sequence{pages, 0, length};
  OwnedTensor logits({}, DType::kF32, {length, V});
  const Status ran = (*model)->forward(tokens, std::span(&sequence, 1), wanted, logits.view());
  if (!ran.ok()) throw std::runtime_error(ran.message());
  return logits;
}

/// The metadata that a converter writes for a network.
inline void add_metadata(support::GgufWriter& file, const Config& c) {
  const std::string name = c.head_norms ? "qwen3" : "llama";
  file.add("general.architecture", std::string_view(name));
  const auto count = [&](const char* key, int64_t value) {
    file.add(name + "." + key, uint32_t(value));
  };
  count("block_count", c.layers);
  count("context_length", c.context);
  count("embedding_length", c.width);
  count("feed_forward_length", c.mlp_width);
  count("attention.head_count", c.heads);
  count("attention.head_count_kv", c.kv_heads);
  if (c.head_norms) count("attention.key_length", c.head_width);
  if (c.head_norms) count("attention.value_length", c.head_width);
  if (!c.head_norms) count("rope.dimension_count", c.head_width);
  file.add(name + ".attention.layer_norm_rms_epsilon", c.eps);
  file.add(name + ".rope.freq_base", float(c.rope_theta));
  file.add("tokenizer.ggml.eos_token_id", uint32_t{2});
}

/// The name a weight has in GGUF files (docs/spec/models.md 6.8).
inline std::string gguf_name(std::string name) {
  const std::pair<const char*, const char*> parts[] = {{"embed_tokens", "token_embd"},
                                                       {"lm_head", "output"},
                                                       {"layers.", "blk."},
                                                       {"input_layernorm", "attn_norm"},
                                                       {"post_attention_layernorm", "ffn_norm"},
                                                       {"self_attn.q_proj", "attn_q"},
                                                       {"self_attn.k_proj", "attn_k"},
                                                       {"self_attn.v_proj", "attn_v"},
                                                       {"self_attn.o_proj", "attn_output"},
                                                       {"self_attn.q_norm", "attn_q_norm"},
                                                       {"self_attn.k_norm", "attn_k_norm"},
                                                       {"mlp.gate_proj", "ffn_gate"},
                                                       {"mlp.up_proj", "ffn_up"},
                                                       {"mlp.down_proj", "ffn_down"}};
  if (name == "norm.weight") return "output_norm.weight";
  for (const auto& [ours, theirs] : parts) {
    if (const size_t at = name.find(ours); at != name.npos) {
      name.replace(at, std::strlen(ours), theirs);
    }
  }
  return name;
}

inline std::string bytes_of(const std::vector<float>& values, formats::BlockType type) {
  std::string bytes;
  for (const float value : values) {
    switch (type) {
      case formats::BlockType::kF16: formats::append_number(bytes, Half(value).bits); break;
      case formats::BlockType::kBF16: formats::append_number(bytes, BFloat16(value).bits); break;
      default: formats::append_number(bytes, value); break;
    }
  }
  return bytes;
}

/// The rows of queries or keys as converters of Llama write them: of each head, seen as
/// [2, D/2, columns], the first two dimensions are swapped.
inline std::vector<float> pairwise(const std::vector<float>& values, int64_t heads,
                                   int64_t head_width, int64_t columns) {
  std::vector<float> out;
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t i = 0; i < head_width / 2; ++i) {
      for (int64_t j = 0; j < 2; ++j) {
        const auto row = values.begin() + (h * head_width + j * head_width / 2 + i) * columns;
        out.insert(out.end(), row, row + columns);
      }
    }
  }
  return out;
}

/// A network written again as a GGUF file of plain numbers; norms are float32.
inline support::GgufWriter as_gguf(const Weights& weights, formats::BlockType type) {
  const Config& c = weights.config();
  support::GgufWriter file;
  add_metadata(file, c);
  if (c.rope_scaling || !c.rope_factors.empty()) {
    Config plain = c;
    plain.rope_scaling.reset();
    plain.rope_factors.clear();
    const auto slow = c.rope_frequencies(), fast = plain.rope_frequencies();
    std::vector<float> factors;
    for (size_t i = 0; i < slow.size(); ++i) factors.push_back(fast[i] / slow[i]);
    file.add_tensor("rope_freqs.weight", formats::BlockType::kF32, {int64_t(factors.size())},
                    bytes_of(factors, formats::BlockType::kF32));
  }
  for (const WeightSpec& spec : weight_specs(c)) {
    if (spec.shape.rank() == 1) {
      const auto norm = weights.norm(spec.name).span<float>();
      file.add_tensor(gguf_name(spec.name), formats::BlockType::kF32, {spec.shape.dim(0)},
                      bytes_of({norm.begin(), norm.end()}, formats::BlockType::kF32));
      continue;
    }
    std::vector<float> values = values_of(weights.matrix(spec.name));
    const bool turned =
        spec.name.find("q_proj") != spec.name.npos || spec.name.find("k_proj") != spec.name.npos;
    if (turned && !c.head_norms) {
      values = pairwise(values, spec.shape.dim(0) / c.head_width, c.head_width, spec.shape.dim(1));
    }
    file.add_tensor(gguf_name(spec.name), type, {spec.shape.dim(0), spec.shape.dim(1)},
                    bytes_of(values, type));
  }
  return file;
}

}  // namespace maie::qwen3::testing
