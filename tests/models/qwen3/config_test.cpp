#include "models/qwen3/config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/json.h"
#include "models/qwen3/weights.h"
#include "tests/support/temporary_folder.h"

namespace maie::qwen3 {
namespace {

// The 4B-Instruct-2507 model, as published (docs/spec/models.md, section 6.1).
Json published() {
  return {{"model_type", "qwen3"},
          {"hidden_size", 2560},
          {"num_hidden_layers", 36},
          {"num_attention_heads", 32},
          {"num_key_value_heads", 8},
          {"head_dim", 128},
          {"intermediate_size", 9728},
          {"vocab_size", 151936},
          {"max_position_embeddings", 262144},
          {"rms_norm_eps", 1e-6},
          {"rope_theta", 5e6},
          {"rope_scaling", nullptr},
          {"tie_word_embeddings", true},
          {"hidden_act", "silu"},
          {"attention_bias", false},
          {"use_sliding_window", false},
          {"eos_token_id", 151645}};
}

Result<Config> read(const Json& json, const std::string& generation = "") {
  return config_from_huggingface(json.dump(), generation, "folder");
}

TEST(Qwen3Config, ReadsAPublishedModel) {
  const Result<Config> config = read(published(), R"({"eos_token_id": [151645, 151643]})");
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->width, 2560);
  EXPECT_EQ(config->heads * config->head_width, 4096);
  EXPECT_EQ(config->qkv_width(), 4096 + 2 * 1024);
  EXPECT_TRUE(config->head_norms);
  EXPECT_TRUE(config->tied_embeddings);
  EXPECT_EQ(config->end_tokens, (std::vector<int>{151645, 151643}));
  const std::vector<float> frequencies = config->rope_frequencies();
  ASSERT_EQ(frequencies.size(), 64u);
  EXPECT_EQ(frequencies[0], 1.0f);
  EXPECT_FLOAT_EQ(frequencies[32], float(1 / std::sqrt(5e6)));
}

TEST(Qwen3Config, ReadsBothSpellingsOfRope) {
  Json json = published();
  json.erase("rope_theta");
  json["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 1e6}};
  const Result<Config> config = read(json);
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->rope_theta, 1e6);
  EXPECT_FALSE(config->rope_scaling.has_value());
}

TEST(Qwen3Config, ScalesFrequenciesAsLlamaDoes) {
  Json json = published();
  json["model_type"] = "llama";
  json["rope_theta"] = 500000.0;
  json["rope_scaling"] = {{"rope_type", "llama3"},
                          {"factor", 8.0},
                          {"low_freq_factor", 1.0},
                          {"high_freq_factor", 4.0},
                          {"original_max_position_embeddings", 8192}};
  const Result<Config> scaled = read(json);
  json.erase("rope_scaling");
  const Result<Config> plain = read(json);
  ASSERT_TRUE(scaled.has_value() && plain.has_value());
  EXPECT_FALSE(scaled->head_norms);
  const auto a = plain->rope_frequencies(), b = scaled->rope_frequencies();
  EXPECT_EQ(b.front(), a.front());          // 8192 positions are 1,304 turns: far above 4
  EXPECT_FLOAT_EQ(b.back(), a.back() / 8);  // a small part of a turn
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_LE(b[i], a[i]);
    EXPECT_GE(b[i], a[i] / 8 * 0.999999f);
  }
}

TEST(Qwen3Config, NamesWhatIsWrong) {
  const struct {
    const char* key;
    Json value;
    Code code;
    const char* words;
  } cases[] = {
      {"model_type", "gpt2", Code::kUnsupported, "qwen3 and llama"},
      {"hidden_size", 0, Code::kCorrupt, "\"hidden_size\" is 0"},
      {"hidden_size", "wide", Code::kCorrupt, "hidden_size"},
      {"num_hidden_layers", 1000000, Code::kCorrupt, "num_hidden_layers"},
      {"num_attention_heads", 31, Code::kCorrupt, "share"},
      {"head_dim", 127, Code::kCorrupt, "pairs"},
      {"rms_norm_eps", -1, Code::kCorrupt, "rms_norm_eps"},
      {"rope_theta", "big", Code::kCorrupt, "rope_theta"},
      {"rope_scaling", {{"rope_type", "yarn"}, {"factor", 4.0}}, Code::kUnsupported, "yarn"},
      {"rope_scaling", {{"rope_type", "linear"}, {"factor", 0.5}}, Code::kCorrupt, "factor"},
      {"hidden_act", "gelu", Code::kUnsupported, "hidden_act"},
      {"attention_bias", true, Code::kUnsupported, "attention_bias"},
      {"use_sliding_window", true, Code::kUnsupported, "use_sliding_window"},
      {"eos_token_id", 151936, Code::kCorrupt, "eos_token_id"},
      {"vocab_size", nullptr, Code::kCorrupt, "\"vocab_size\" is missing"},
  };
  for (const auto& wrong : cases) {
    Json json = published();
    json[wrong.key] = wrong.value;
    const Result<Config> config = read(json);
    ASSERT_FALSE(config.has_value()) << wrong.key << ": " << wrong.value;
    EXPECT_EQ(config.error().code(), wrong.code) << config.error().message();
    EXPECT_NE(config.error().message().find(wrong.words), std::string::npos)
        << config.error().message();
    EXPECT_NE(config.error().message().find("folder/config.json"), std::string::npos);
  }
  EXPECT_FALSE(config_from_huggingface("[]", "", "folder").has_value());
  EXPECT_FALSE(config_from_huggingface("{", "", "folder").has_value());
  EXPECT_FALSE(read(published(), "[1]").has_value());
}

TEST(Qwen3Weights, AWeightOfAnotherShapeIsNamed) {
  const std::string golden = std::string(MAIE_SOURCE_DIR) + "/tests/golden/qwen3/tied";
  ASSERT_TRUE(Weights::open(golden).has_value());
  const TemporaryFolder folder;
  namespace fs = std::filesystem;
  fs::copy_file(golden + "/model.safetensors", folder.path("model.safetensors"));
  const Result<std::string> text = read_file(golden + "/config.json", 1 << 20);
  Json json = *parse_json(*text);
  json["intermediate_size"] = 64;
  std::ofstream(folder.path("config.json")) << json.dump();
  const auto wrong = Weights::open(folder.path(""));
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code(), Code::kCorrupt);
  EXPECT_NE(wrong.error().message().find("model.layers.0.mlp.gate_proj.weight"), std::string::npos)
      << wrong.error().message();
  json["intermediate_size"] = 72;
  json["num_hidden_layers"] = 4;
  std::ofstream(folder.path("config.json")) << json.dump();
  const auto missing = Weights::open(folder.path(""));
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().message().find("layers.3"), std::string::npos)
      << missing.error().message();
}

}  // namespace
}  // namespace maie::qwen3
