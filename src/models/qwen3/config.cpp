#include "models/qwen3/config.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "base/json.h"
#include "models/qwen3/config_bounds.h"

namespace maie::qwen3 {
namespace {

// Reads members of one object; the first thing wrong is kept.
class Reader {
 public:
  Reader(const Json& object, const std::string& file) : object_(object), file_(file) {}

  int64_t size(const char* key, int64_t most, std::optional<int64_t> fallback = std::nullopt) {
    const auto found = object_.find(key);
    if (found == object_.end() || found->is_null()) {
      if (fallback) return *fallback;
      fail(corrupt(file_ + ": \"" + key + "\" is missing"));
      return 1;
    }
    if (!found->is_number_integer() || found->get<int64_t>() < 1 || found->get<int64_t>() > most) {
      fail(corrupt(file_ + ": \"" + key + "\" is " + shown(*found) +
                   ", not a whole number from 1 to " + std::to_string(most)));
      return 1;
    }
    return found->get<int64_t>();
  }

  double number(const Json& from, const char* key, double fallback, double least, double most) {
    const auto found = from.find(key);
    if (found == from.end() || found->is_null()) return fallback;
    const double value = found->is_number() ? found->get<double>() : NAN;
    if (!(value >= least && value <= most)) {
      char range[64];
      std::snprintf(range, sizeof range, "%g to %g", least, most);
      fail(corrupt(file_ + ": \"" + key + "\" is " + shown(*found) + ", not a number from " +
                   range));
      return fallback;
    }
    return value;
  }

  // What only one value of is supported.
  void expect(const char* key, const Json& only) {
    const auto found = object_.find(key);
    if (found != object_.end() && !found->is_null() && *found != only) {
      fail(unsupported(file_ + ": \"" + key + "\" is " + shown(*found) + "; only " + only.dump() +
                       " is supported"));
    }
  }

  void fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  const Status& status() const { return status_; }
  const std::string& file() const { return file_; }

  static std::string shown(const Json& value) {
    std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    return text;
  }

 private:
  const Json& object_;
  std::string file_;
  Status status_;
};

Result<Json> object_of(std::string_view text, const std::string& file) {
  Result<Json> json = parse_json(text);
  if (!json.has_value()) return json.error().within(file);
  if (!json->is_object()) return corrupt(file + ": not a JSON object");
  return json;
}

void read_rope(Reader& reader, const Json& json, Config& config) {
  // Newer files keep everything in rope_parameters, older ones theta beside rope_scaling.
  const Json none = Json::object();
  const auto member = [&](const char* key) -> const Json& {
    const auto found = json.find(key);
    return found != json.end() && found->is_object() ? *found : none;
  };
  const Json& parameters = member("rope_parameters");
  const Json& scaling = parameters.empty() ? member("rope_scaling") : parameters;
  config.rope_theta = reader.number(parameters.contains("rope_theta") ? parameters : json,
                                    "rope_theta", 10000.0, 1.0, 1e12);
  std::string kind = json_string(scaling, "rope_type", "");
  if (kind.empty()) kind = json_string(scaling, "type", "default");
  if (kind == "default") return;
  RopeScaling read;
  if (kind == "linear") {
    read.kind = RopeScaling::Kind::kLinear;
  } else if (kind == "llama3") {
    read.kind = RopeScaling::Kind::kLlama3;
  } else {
    reader.fail(unsupported(reader.file() + ": \"rope_type\" is \"" + Reader::shown(Json(kind)) +
                            "\"; default, linear and llama3 are supported"));
    return;
  }
  read.factor = reader.number(scaling, "factor", 1.0, 1.0, 1e6);
  read.low_freq_factor = reader.number(scaling, "low_freq_factor", 1.0, 1e-6, 1e6);
  read.high_freq_factor = reader.number(scaling, "high_freq_factor", 4.0, 1e-6, 1e6);
  read.original_context = int64_t(reader.number(scaling, "original_max_position_embeddings", 8192.0,
                                                1.0, double(kMostContext)));
  if (read.kind == RopeScaling::Kind::kLlama3 && read.high_freq_factor <= read.low_freq_factor) {
    reader.fail(
        corrupt(reader.file() + ": \"high_freq_factor\" must be above \"low_freq_factor\""));
  }
  config.rope_scaling = read;
}

void read_end_tokens(Reader& reader, const Json& json, Config& config) {
  const auto found = json.find("eos_token_id");
  if (found == json.end() || found->is_null()) return;
  config.end_tokens.clear();
  const Json several = found->is_array() ? *found : Json::array({*found});
  for (const Json& id : several) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 ||
        id.get<int64_t>() >= config.vocabulary) {
      reader.fail(corrupt(reader.file() + ": \"eos_token_id\" holds " + Reader::shown(id) +
                          ", not a token of the vocabulary"));
      return;
    }
    config.end_tokens.push_back(id.get<int>());
  }
}

}  // namespace

std::vector<float> Config::rope_frequencies() const {
  std::vector<float> frequencies;
  for (int64_t i = 0; i < head_width / 2; ++i) {
    double frequency = std::pow(rope_theta, -2.0 * double(i) / double(head_width));
    if (rope_scaling) {
      const double factor = rope_scaling->factor;
      double kept = 0;  // share of the frequency that is not stretched
      if (rope_scaling->kind == RopeScaling::Kind::kLlama3) {
        const double turns =
            double(rope_scaling->original_context) * frequency / (2 * std::numbers::pi);
        kept = (turns - rope_scaling->low_freq_factor) /
               (rope_scaling->high_freq_factor - rope_scaling->low_freq_factor);
        kept = std::min(1.0, std::max(0.0, kept));
      }
      frequency = kept * frequency + (1 - kept) * frequency / factor;
    }
    if (!rope_factors.empty()) frequency /= double(rope_factors[size_t(i)]);
    frequencies.push_back(float(frequency));
  }
  return frequencies;
}

Status check_heads(const Config& config, const std::string& file) {
  if (config.heads % config.kv_heads != 0) {
    return corrupt(file + ": " + std::to_string(config.heads) + " query heads cannot share " +
                   std::to_string(config.kv_heads) + " key heads equally");
  }
  if (config.head_width % 2 != 0) {
    return corrupt(file + ": heads of " + std::to_string(config.head_width) +
                   " values have no pairs to turn");
  }
  return {};
}

Result<Config> config_from_huggingface(std::string_view config_json,
                                       std::string_view generation_json, const std::string& path) {
  const std::string file = path + "/config.json";
  MAIE_ASSIGN(const Json json, object_of(config_json, file));
  Reader reader(json, file);
  Config config;
  const std::string type = json_string(json, "model_type", "");
  if (type == "qwen3") {
    config.head_norms = true;
  } else if (type != "llama") {
    return unsupported(file + ": \"model_type\" is " + Reader::shown(Json(type)) +
                       "; qwen3 and llama are supported");
  }
  config.width = reader.size("hidden_size", kMostWidth);
  config.layers = int(reader.size("num_hidden_layers", kMostLayers));
  config.heads = int(reader.size("num_attention_heads", kMostHeads));
  config.kv_heads = int(reader.size("num_key_value_heads", kMostHeads, config.heads));
  config.head_width =
      reader.size("head_dim", kMostHeadWidth, std::max<int64_t>(1, config.width / config.heads));
  config.mlp_width = reader.size("intermediate_size", kMostMlpWidth);
  config.vocabulary = reader.size("vocab_size", kMostVocabulary);
  config.context = reader.size("max_position_embeddings", kMostContext);
  config.eps = float(reader.number(json, "rms_norm_eps", 1e-6, 0.0, 1.0));
  config.tied_embeddings = json_bool(json, "tie_word_embeddings", type == "qwen3");
  read_rope(reader, json, config);
  reader.expect("hidden_act", "silu");
  reader.expect("attention_bias", false);
  reader.expect("mlp_bias", false);
  reader.expect("use_sliding_window", false);
  read_end_tokens(reader, json, config);
  MAIE_TRY(reader.status());
  MAIE_TRY(check_heads(config, file));
  if (!generation_json.empty()) {
    const std::string generation_file = path + "/generation_config.json";
    MAIE_ASSIGN(const Json generation, object_of(generation_json, generation_file));
    Reader of_generation(generation, generation_file);
    read_end_tokens(of_generation, generation, config);
    MAIE_TRY(of_generation.status());
  }
  return config;
}

}  // namespace maie::qwen3
