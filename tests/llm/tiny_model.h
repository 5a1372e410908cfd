#pragma once

#include <cstring>
#include <random>
#include <string>

#include "base/json.h"
#include "tensor/dtype.h"
#include "tests/support/temporary_folder.h"

namespace maie::llm::testing {

struct TinyShape {
  int64_t width = 64, layers = 2, heads = 4, kv_heads = 2, head_width = 32, mlp_width = 96;
  int64_t context = 2048;
  uint64_t seed = 1;
  float loudness = 1;  ///< of the embedding: more of it makes more pointed distributions
};

/// A Qwen3 of a few thousand random weights as a Hugging Face folder: all bytes and some hundred
/// words as vocabulary, ChatML with a thinking switch.
class TinyModel {
 public:
  explicit TinyModel(const TinyShape& shape = {}) : shape_(shape) {
    write_tokenizer();
    write_config();
    write_weights();
  }
  std::string path() const { return folder_.path("model"); }
  const TemporaryFolder& folder() const { return folder_; }
  int64_t vocabulary() const { return vocabulary_; }

  static std::string chat_template() {
    return "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor "
           "%}"
           "{% if add_generation_prompt %}<|im_start|>assistant\n"
           "{% if enable_thinking is defined and enable_thinking is false %}"
           "<think>\n\n</think>\n\n{% endif %}{% endif %}";
  }

 private:
  // The character of a byte in byte-level vocabularies (docs/spec/models.md 7).
  static std::string byte_character(int byte) {
    const auto itself = [](int b) {
      return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    };
    int code = byte;
    if (!itself(byte)) {
      code = 256;
      for (int b = 0; b < byte; ++b) code += itself(b) ? 0 : 1;
    }
    if (code < 128) return std::string(1, char(code));
    return {char(0xC0 | code >> 6), char(0x80 | (code & 63))};
  }

  void write_tokenizer() {
    Json vocab = Json::object(), merges = Json::array(), added = Json::array();
    int id = 0;
    for (int byte = 0; byte < 256; ++byte) vocab[byte_character(byte)] = id++;
    const auto merge = [&](const std::string& left, const std::string& right) {
      if (vocab.contains(left + right)) return;
      merges.push_back(left + " " + right);
      vocab[left + right] = id++;
    };
    const std::string space = byte_character(' ');
    for (const char* pair : {"th", "an", "in", "er", "on", "ti", "ng", "at", "es", "nh"}) {
      merge(std::string(1, pair[0]), std::string(1, pair[1]));
      merge(space, pair);
    }
    merge("{", "\"");
    merge("\"", ":");
    merge("\"", ",");
    merge("\",", "\"");
    merge("\":", "\"");
    merge("\"", "}");
    merge(byte_character(0xC3), byte_character(0xAA));  // ê
    for (const auto& [name, special] : {std::pair{"<|endoftext|>", true},
                                        {"<|im_start|>", true},
                                        {"<|im_end|>", true},
                                        {"<think>", false},
                                        {"</think>", false}}) {
      added.push_back(
          {{"id", id++}, {"content", name}, {"special", special}, {"normalized", false}});
    }
    end_ = id - 3;
    vocabulary_ = id + 3;  // rows without a token, as real models have
    folder_.write("model/tokenizer.json",
                  Json{{"added_tokens", added},
                       {"normalizer", nullptr},
                       {"pre_tokenizer",
                        {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
                       {"decoder", {{"type", "ByteLevel"}}},
                       {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}}}
                      .dump());
    folder_.write("model/tokenizer_config.json",
                  Json{{"eos_token", "<|im_end|>"}, {"chat_template", chat_template()}}.dump());
  }

  void write_config() const {
    folder_.write("model/config.json", Json{{"architectures", {"Qwen3ForCausalLM"}},
                                            {"model_type", "qwen3"},
                                            {"hidden_size", shape_.width},
                                            {"num_hidden_layers", shape_.layers},
                                            {"num_attention_heads", shape_.heads},
                                            {"num_key_value_heads", shape_.kv_heads},
                                            {"head_dim", shape_.head_width},
                                            {"intermediate_size", shape_.mlp_width},
                                            {"vocab_size", vocabulary_},
                                            {"rms_norm_eps", 1e-6},
                                            {"max_position_embeddings", shape_.context},
                                            {"tie_word_embeddings", true},
                                            {"hidden_act", "silu"},
                                            {"rope_theta", 1e4},
                                            {"eos_token_id", end_}}
                                           .dump());
  }

  void write_weights() const {
    std::mt19937_64 random(shape_.seed);
    Json head = Json::object();
    std::string data;
    const auto add = [&](const std::string& name, std::vector<int64_t> shape, float mean,
                         float deviation) {
      int64_t size = 1;
      for (const int64_t dim : shape) size *= dim;
      const size_t begin = data.size();
      for (int64_t i = 0; i < size; ++i) {
        // The sum of four uniform numbers, so that every library gives the same.
        float sum = -2;
        for (int k = 0; k < 4; ++k) sum += float(random() >> 40) / float(1 << 24);
        const BFloat16 value(mean + deviation * sum * 1.73f);
        data.append(reinterpret_cast<const char*>(&value.bits), 2);
      }
      head[name] = {{"dtype", "BF16"}, {"shape", shape}, {"data_offsets", {begin, data.size()}}};
    };
    const TinyShape& s = shape_;
    const auto matrix = [&](const std::string& name, int64_t out, int64_t in) {
      add(name, {out, in}, 0, 1.3f / std::sqrt(float(in)));
    };
    add("model.embed_tokens.weight", {vocabulary_, s.width}, 0, 0.4f * s.loudness);
    for (int64_t i = 0; i < s.layers; ++i) {
      const std::string layer = "model.layers." + std::to_string(i) + ".";
      add(layer + "input_layernorm.weight", {s.width}, 1, 0.2f);
      matrix(layer + "self_attn.q_proj.weight", s.heads * s.head_width, s.width);
      matrix(layer + "self_attn.k_proj.weight", s.kv_heads * s.head_width, s.width);
      matrix(layer + "self_attn.v_proj.weight", s.kv_heads * s.head_width, s.width);
      add(layer + "self_attn.q_norm.weight", {s.head_width}, 1.5f, 0.2f);
      add(layer + "self_attn.k_norm.weight", {s.head_width}, 1.5f, 0.2f);
      matrix(layer + "self_attn.o_proj.weight", s.width, s.heads * s.head_width);
      add(layer + "post_attention_layernorm.weight", {s.width}, 1, 0.2f);
      matrix(layer + "mlp.gate_proj.weight", s.mlp_width, s.width);
      matrix(layer + "mlp.up_proj.weight", s.mlp_width, s.width);
      matrix(layer + "mlp.down_proj.weight", s.width, s.mlp_width);
    }
    add("model.norm.weight", {s.width}, 1, 0.2f);
    std::string json = head.dump();
    json.resize((json.size() + 7) / 8 * 8, ' ');
    const uint64_t size = json.size();
    std::string file(reinterpret_cast<const char*>(&size), 8);
    folder_.write("model/model.safetensors", file + json + data);
  }

  TinyShape shape_;
  TemporaryFolder folder_;
  int64_t vocabulary_ = 0;
  int end_ = 0;
};

}  // namespace maie::llm::testing
