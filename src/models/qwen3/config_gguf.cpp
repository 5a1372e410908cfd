#include "models/qwen3/config_gguf.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "formats/byte_reader.h"
#include "models/qwen3/config_bounds.h"

namespace maie::qwen3 {
namespace {

// Reads keys of one architecture; the first thing wrong is kept.
class Reader {
 public:
  Reader(const formats::Gguf& file, std::string architecture)
      : file_(file), architecture_(std::move(architecture)) {}

  std::string key(const char* name) const { return architecture_ + "." + name; }
  bool has(const char* name) const { return file_.find_value(key(name)) != nullptr; }

  int64_t size(const char* name, int64_t most, std::optional<int64_t> fallback = std::nullopt) {
    if (fallback && !has(name)) return *fallback;
    const Result<int64_t> value = file_.integer(key(name));
    if (!value.has_value()) {
      fail(value.error());
    } else if (*value < 1 || *value > most) {
      fail(corrupt(where(name) + " is " + std::to_string(*value) + ", not from 1 to " +
                   std::to_string(most)));
    } else {
      return *value;
    }
    return 1;
  }

  double number(const char* name, double fallback, double least, double most) {
    if (!has(name)) return fallback;
    const Result<double> value = file_.number(key(name));
    if (!value.has_value()) {
      fail(value.error());
      return fallback;
    }
    if (*value >= least && *value <= most) return *value;
    char range[96];
    std::snprintf(range, sizeof range, " is %g, not a number from %g to %g", *value, least, most);
    fail(corrupt(where(name) + range));
    return fallback;
  }

  // What only one value of is supported, where it is given at all.
  void expect(const char* name, int64_t only, const char* what) {
    if (!has(name)) return;
    const Result<int64_t> value = file_.integer(key(name));
    if (!value.has_value()) return fail(value.error());
    if (*value != only) {
      fail(unsupported(where(name) + " is " + std::to_string(*value) + " (" + what + "); only " +
                       std::to_string(only) + " is supported"));
    }
  }

  std::string where(const char* name) const { return file_.path() + ": key \"" + key(name) + "\""; }
  void fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  const Status& status() const { return status_; }

 private:
  const formats::Gguf& file_;
  std::string architecture_;
  Status status_;
};

void read_rope(Reader& reader, const formats::Gguf& file, Config& config) {
  config.rope_theta = reader.number("rope.freq_base", 10000.0, 1.0, 1e12);
  reader.expect("rope.dimension_count", config.head_width, "of each head's values");
  std::string kind = "none";
  if (reader.has("rope.scaling.type")) {
    const auto given = file.string(reader.key("rope.scaling.type"));
    if (!given.has_value()) return reader.fail(given.error());
    kind = *given;
  }
  // Older files have the factor alone, of the linear kind.
  const double older = reader.number("rope.scale_linear", 1.0, 1.0, 1e6);
  const double factor = reader.number("rope.scaling.factor", older, 0.0, 1e6);
  if (kind != "none" && kind != "linear") {
    return reader.fail(unsupported(reader.where("rope.scaling.type") + " is \"" +
                                   formats::printable(kind) + "\"; none and linear are supported"));
  }
  const bool linear = kind == "linear" || !reader.has("rope.scaling.type");
  if (linear && factor > 1) {  // writers say 0 and 1 for none
    config.rope_scaling = RopeScaling{.kind = RopeScaling::Kind::kLinear, .factor = factor};
  }
}

Status read_rope_factors(const formats::Gguf& file, Config& config) {
  constexpr std::string_view kName = "rope_freqs.weight";
  const formats::GgufTensor* tensor = file.find(kName);
  if (tensor == nullptr) return {};
  const std::string where = file.path() + ": tensor \"" + std::string(kName) + "\"";
  if (tensor->type != formats::BlockType::kF32 || tensor->shape != Shape{config.head_width / 2}) {
    return corrupt(where + " holds " + std::string(to_string(tensor->type)) + " of shape " +
                   tensor->shape.to_string() + ", not a float32 for each pair of a head's " +
                   std::to_string(config.head_width) + " values");
  }
  config.rope_factors.resize(size_t(config.head_width / 2));
  formats::dequantize(tensor->type, tensor->bytes, config.rope_factors);
  for (const float factor : config.rope_factors) {
    if (!(factor >= 1e-6f && factor <= 1e6f)) {
      return corrupt(where + " has a factor that is none; fetch the file again");
    }
  }
  return {};
}

// The rows of the embedding; tied when there is no output layer.
Status read_vocabulary(const formats::Gguf& file, Config& config) {
  MAIE_ASSIGN(const formats::GgufTensor embedding, file.get("token_embd.weight"));
  if (embedding.shape.rank() != 2 || embedding.shape.dim(0) < 1 ||
      embedding.shape.dim(0) > kMostVocabulary) {
    return corrupt(file.path() + ": tensor \"token_embd.weight\" is " +
                   embedding.shape.to_string() + ", not a row for each of 1 to " +
                   std::to_string(kMostVocabulary) + " tokens");
  }
  config.vocabulary = embedding.shape.dim(0);
  config.tied_embeddings = file.find("output.weight") == nullptr;
  for (const char* name : {"eos_token_id", "eot_token_id", "eom_token_id"}) {
    const Result<int64_t> id = file.integer(std::string("tokenizer.ggml.") + name);
    if (id.has_value() && *id >= 0 && *id < config.vocabulary)
      config.end_tokens.push_back(int(*id));
  }
  return {};
}

}  // namespace

Result<Config> config_from_gguf(const formats::Gguf& file) {
  MAIE_ASSIGN(const std::string_view architecture, file.string("general.architecture"));
  if (architecture != "qwen3" && architecture != "llama") {
    return unsupported(file.path() + ": key \"general.architecture\" is \"" +
                       formats::printable(architecture) + "\"; qwen3 and llama are supported");
  }
  Config config;
  config.head_norms = architecture == "qwen3";
  Reader reader(file, std::string(architecture));
  reader.expect("expert_count", 0, "a mixture of experts");
  config.width = reader.size("embedding_length", kMostWidth);
  config.layers = int(reader.size("block_count", kMostLayers));
  config.heads = int(reader.size("attention.head_count", kMostHeads));
  config.kv_heads = int(reader.size("attention.head_count_kv", kMostHeads, config.heads));
  config.head_width =
      reader.size("attention.key_length", kMostHeadWidth,
                  std::clamp<int64_t>(config.width / config.heads, 1, kMostHeadWidth));
  reader.expect("attention.value_length", config.head_width, "not the width of keys");
  config.mlp_width = reader.size("feed_forward_length", kMostMlpWidth);
  config.context = reader.size("context_length", kMostContext);
  config.eps = float(reader.number("attention.layer_norm_rms_epsilon", 1e-6, 0.0, 1.0));
  read_rope(reader, file, config);
  MAIE_TRY(reader.status());
  MAIE_TRY(check_heads(config, file.path()));
  MAIE_TRY(read_rope_factors(file, config));
  MAIE_TRY(read_vocabulary(file, config));
  return config;
}

}  // namespace maie::qwen3
