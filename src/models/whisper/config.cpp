#include "models/whisper/config.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "base/json.h"
#include "base/log.h"

namespace maie::whisper {
namespace {

// Published models by their sizes, and the heads their authors found to follow the audio
// (openai/whisper). large-v1 and large-v2 have the same sizes; the second is the one in use.
struct Published {
  int width, encoder_layers, decoder_layers, vocabulary;
  std::vector<AlignmentHead> heads;
};
const std::vector<Published>& published_models() {
  static const std::vector<Published> models = {
      {384, 4, 4, 51864, {{1, 0}, {2, 0}, {2, 5}, {3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}}},
      {384, 4, 4, 51865, {{2, 2}, {3, 0}, {3, 2}, {3, 3}, {3, 4}, {3, 5}}},
      {512, 6, 6, 51864, {{3, 3}, {4, 7}, {5, 1}, {5, 5}, {5, 7}}},
      {512, 6, 6, 51865, {{3, 1}, {4, 2}, {4, 3}, {4, 7}, {5, 1}, {5, 2}, {5, 4}, {5, 6}}},
      {768,
       12,
       12,
       51864,
       {{6, 6},
        {7, 0},
        {7, 3},
        {7, 8},
        {8, 2},
        {8, 5},
        {8, 7},
        {9, 0},
        {9, 4},
        {9, 8},
        {9, 10},
        {10, 0},
        {10, 1},
        {10, 2},
        {10, 3},
        {10, 6},
        {10, 11},
        {11, 2},
        {11, 4}}},
      {768,
       12,
       12,
       51865,
       {{5, 3}, {5, 9}, {8, 0}, {8, 4}, {8, 7}, {8, 8}, {9, 0}, {9, 7}, {9, 9}, {10, 5}}},
      {1024,
       24,
       24,
       51864,
       {{11, 4},
        {14, 1},
        {14, 12},
        {14, 14},
        {15, 4},
        {16, 0},
        {16, 4},
        {16, 9},
        {17, 12},
        {17, 14},
        {18, 7},
        {18, 10},
        {18, 15},
        {20, 0},
        {20, 3},
        {20, 9},
        {20, 14},
        {21, 12}}},
      {1024, 24, 24, 51865, {{13, 15}, {15, 4}, {15, 15}, {16, 1}, {20, 0}, {23, 4}}},
      {1280, 32, 32, 51865, {{10, 12}, {13, 17}, {16, 11}, {16, 12}, {16, 13}, {17, 15},
                             {17, 16}, {18, 4},  {18, 11}, {18, 19}, {19, 11}, {21, 2},
                             {21, 3},  {22, 3},  {22, 9},  {22, 12}, {23, 5},  {23, 7},
                             {23, 13}, {25, 5},  {26, 1},  {26, 12}, {27, 15}}},
      {1280,
       32,
       32,
       51866,
       {{7, 0},
        {10, 17},
        {12, 18},
        {13, 12},
        {16, 1},
        {17, 14},
        {19, 11},
        {21, 4},
        {24, 1},
        {25, 6}}},
      {1280, 32, 4, 51866, {{2, 4}, {2, 11}, {3, 3}, {3, 6}, {3, 11}, {3, 14}}},
  };
  return models;
}

// Far above any model, and low enough that sizes computed from them cannot overflow.
struct Bound {
  const char* what;
  int Config::*field;
  int64_t most;
};
constexpr std::array<Bound, 11> kBounds = {{
    {"mel bins", &Config::mel_bins, 512},
    {"width", &Config::width, 16384},
    {"encoder layers", &Config::encoder_layers, 256},
    {"decoder layers", &Config::decoder_layers, 256},
    {"encoder heads", &Config::encoder_heads, 1024},
    {"decoder heads", &Config::decoder_heads, 1024},
    {"encoder feed-forward width", &Config::encoder_ffn, 131072},
    {"decoder feed-forward width", &Config::decoder_ffn, 131072},
    {"vocabulary", &Config::vocabulary, 1'000'000},
    {"audio context", &Config::audio_context, 100'000},
    {"text context", &Config::text_context, 100'000},
}};

Status set_size(Config& config, int Config::*field, int64_t value, const std::string& where) {
  for (const Bound& bound : kBounds) {
    if (bound.field != field) continue;
    if (value < 1 || value > bound.most) {
      return corrupt(where + ": " + bound.what + " of " + std::to_string(value) +
                     ", which is not between 1 and " + std::to_string(bound.most) +
                     "; fetch the model again");
    }
  }
  config.*field = int(value);
  return {};
}

Status check_heads(const Config& config, const std::string& where) {
  for (const int heads : {config.encoder_heads, config.decoder_heads}) {
    if (config.width % heads != 0) {
      return corrupt(where + ": a width of " + std::to_string(config.width) +
                     " does not divide into " + std::to_string(heads) +
                     " heads; fetch the model again");
    }
  }
  if (config.width % 2 != 0)
    return corrupt(where + ": the width " + std::to_string(config.width) + " is odd");
  return {};
}

// A list of token ids; what does not name a token is dropped (fine-tuned models carry lists of the
// vocabulary they came from, and -1 stands for "compute the list yourself").
std::vector<int> id_list(const Json& object, const char* key, const Config& config) {
  std::vector<int> ids;
  const auto list = object.find(key);
  if (list == object.end() || !list->is_array()) return ids;
  for (const Json& id : *list) {
    if (!id.is_number_integer()) continue;
    const auto value = id.get<int64_t>();
    if (value >= 0 && value < config.vocabulary) ids.push_back(int(value));
  }
  return ids;
}

int id_or_absent(const Json& object, const char* key, const Config& config) {
  const int64_t value = json_int(object, key, -1);
  return value >= 0 && value < config.vocabulary ? int(value) : -1;
}

void read_alignment_heads(const Json& object, Config& config, const std::string& where) {
  const auto list = object.find("alignment_heads");
  if (list == object.end() || !list->is_array()) return;
  for (const Json& pair : *list) {
    const bool numbers = pair.is_array() && pair.size() == 2 && pair[0].is_number_integer() &&
                         pair[1].is_number_integer();
    const int64_t layer = numbers ? pair[0].get<int64_t>() : -1;
    const int64_t head = numbers ? pair[1].get<int64_t>() : -1;
    if (layer < 0 || layer >= config.decoder_layers || head < 0 || head >= config.decoder_heads) {
      // Word times suffer, text does not: no reason to refuse the model.
      log_warning(where +
                  ": alignment_heads name a head the decoder does not have; the usual ones serve");
      config.alignment_heads.clear();
      return;
    }
    config.alignment_heads.push_back({int(layer), int(head)});
  }
}

void fill_defaults(Config& config) {
  if (config.alignment_heads.empty()) config.alignment_heads = default_alignment_heads(config);
}

Result<Json> parse_object(std::string_view text, const std::string& where) {
  auto parsed = parse_json(text, {.depth = 32, .values = 1'000'000});
  if (!parsed) return parsed.error().within(where);
  if (!parsed->is_object()) return corrupt(where + ": is not a JSON object; fetch the model again");
  return parsed;
}

Status read_huggingface_sizes(const Json& json, Config& config, const std::string& where) {
  struct Key {
    const char* key;
    int Config::*field;
    int64_t fallback;
  };
  const int64_t required = std::numeric_limits<int64_t>::min();
  const std::array<Key, 7> first = {{
      {"vocab_size", &Config::vocabulary, required},
      {"d_model", &Config::width, required},
      {"encoder_layers", &Config::encoder_layers, required},
      {"decoder_layers", &Config::decoder_layers, required},
      {"encoder_attention_heads", &Config::encoder_heads, required},
      {"decoder_attention_heads", &Config::decoder_heads, required},
      {"num_mel_bins", &Config::mel_bins, 80},
  }};
  const auto read = [&](std::span<const Key> keys) -> Status {
    for (const Key& key : keys) {
      const int64_t value = json_int(json, key.key, key.fallback);
      if (value == required) {
        return corrupt(where + ": lacks the number " + key.key + "; fetch the model again");
      }
      MAIE_TRY(set_size(config, key.field, value, where));
    }
    return {};
  };
  MAIE_TRY(read(first));
  const std::array<Key, 4> second = {{
      {"encoder_ffn_dim", &Config::encoder_ffn, int64_t{4} * config.width},
      {"decoder_ffn_dim", &Config::decoder_ffn, int64_t{4} * config.width},
      {"max_source_positions", &Config::audio_context, 1500},
      {"max_target_positions", &Config::text_context, 448},
  }};
  return read(second);
}

Status check_preprocessor(const Json& json, const Config& config, const std::string& where) {
  struct Key {
    const char* key;
    int64_t wanted;
  };
  for (const Key& key : {Key{"sampling_rate", 16000}, Key{"hop_length", 160}, Key{"n_fft", 400},
                         Key{"chunk_length", 30}, Key{"feature_size", config.mel_bins}}) {
    const int64_t value = json_int(json, key.key, key.wanted);
    if (value != key.wanted) {
      return unsupported(where + ": " + key.key + " is " + std::to_string(value) +
                         ", MAIE's Whisper has " + std::to_string(key.wanted) +
                         " there; use a model with the usual features");
    }
  }
  return {};
}

void read_generation(const Json& json, Config& config, const std::string& where) {
  read_alignment_heads(json, config, where);
  for (const auto& [key, list] : {std::pair{"suppress_tokens", &config.suppress_ids},
                                  std::pair{"begin_suppress_tokens", &config.begin_suppress_ids}}) {
    if (json.contains(key)) *list = id_list(json, key, config);
  }
  const int64_t most = json_int(json, "max_initial_timestamp_index", 50);
  if (most >= 0 && most <= 1500) config.max_initial_timestamp_index = int(most);
  for (const auto& [key, id] : {std::pair{"eos_token_id", &config.end_of_text_id},
                                std::pair{"decoder_start_token_id", &config.start_of_transcript_id},
                                std::pair{"no_timestamps_token_id", &config.no_timestamps_id}}) {
    const int value = id_or_absent(json, key, config);
    if (value >= 0) *id = value;
  }
  const auto languages = json.find("lang_to_id");
  if (languages != json.end() && languages->is_object()) {
    for (const auto& [name, id] : languages->items()) {
      const bool marked = name.size() > 4 && name.starts_with("<|") && name.ends_with("|>");
      if (!marked || !id.is_number_integer()) continue;
      const auto value = id.get<int64_t>();
      if (value < 0 || value >= config.vocabulary) continue;
      config.language_ids[name.substr(2, name.size() - 4)] = int(value);
    }
  }
  config.is_multilingual =
      json_bool(json, "is_multilingual", !config.language_ids.empty() || config.is_multilingual);
}

}  // namespace

std::vector<AlignmentHead> default_alignment_heads(const Config& config) {
  for (const Published& model : published_models()) {
    if (model.width == config.width && model.encoder_layers == config.encoder_layers &&
        model.decoder_layers == config.decoder_layers && model.vocabulary == config.vocabulary &&
        config.decoder_heads * 64 == config.width) {
      return model.heads;
    }
  }
  std::vector<AlignmentHead> heads;
  for (int layer = config.decoder_layers / 2; layer < config.decoder_layers; ++layer) {
    for (int head = 0; head < config.decoder_heads; ++head) heads.push_back({layer, head});
  }
  return heads;
}

Result<Config> config_from_huggingface(std::string_view config_json,
                                       std::string_view generation_json,
                                       std::string_view preprocessor_json,
                                       const std::string& where) {
  const std::string in_config = where + "/config.json";
  MAIE_ASSIGN(const Json json, parse_object(config_json, in_config));
  const std::string type = json_string(json, "model_type", "");
  if (type != "whisper") {
    return unsupported(in_config + ": model_type is \"" + type.substr(0, 80) +
                       "\", MAIE reads \"whisper\" here; name a Whisper model");
  }
  const std::string activation = json_string(json, "activation_function", "gelu");
  if (activation != "gelu") {
    return unsupported(in_config + ": activation_function is \"" + activation.substr(0, 80) +
                       "\", MAIE's Whisper has \"gelu\"; use another model");
  }
  if (json_bool(json, "scale_embedding", false)) {
    return unsupported(
        in_config + ": scale_embedding is true, MAIE's Whisper does not scale; use another model");
  }
  Config config;
  MAIE_TRY(read_huggingface_sizes(json, config, in_config));
  MAIE_TRY(check_heads(config, in_config));
  config.is_multilingual = config.vocabulary >= 51865;
  read_generation(json, config, in_config);  // older models keep these keys here
  if (!generation_json.empty()) {
    const std::string in_generation = where + "/generation_config.json";
    MAIE_ASSIGN(const Json generation, parse_object(generation_json, in_generation));
    config.alignment_heads.clear();
    read_generation(generation, config, in_generation);
  }
  if (!preprocessor_json.empty()) {
    const std::string in_preprocessor = where + "/preprocessor_config.json";
    MAIE_ASSIGN(const Json preprocessor, parse_object(preprocessor_json, in_preprocessor));
    MAIE_TRY(check_preprocessor(preprocessor, config, in_preprocessor));
  }
  fill_defaults(config);
  return config;
}

namespace {

// A dimension of a variable that must be there.
Result<int64_t> dimension(const formats::Ctranslate2& file, const std::string& name, int rank_least,
                          int index) {
  const ConstTensor* variable = file.find(name);
  if (variable == nullptr) {
    return not_found(file.path() + ": lacks the variable \"" + name +
                     "\"; the model is incomplete, convert it again");
  }
  if (variable->rank() < rank_least) {
    return corrupt(file.path() + ": \"" + name + "\" has shape " + variable->shape().to_string() +
                   "; convert the model again");
  }
  return variable->dim(index);
}

int64_t integer_scalar(const formats::Ctranslate2& file, const std::string& name,
                       int64_t fallback) {
  const ConstTensor* variable = file.find(name);
  if (variable == nullptr || variable->size() != 1) return fallback;
  const auto read = [&]<class Number>(Number value) {
    std::memcpy(&value, variable->raw(), sizeof(value));  // not aligned in the file
    return int64_t(value);
  };
  switch (variable->dtype()) {
    case DType::kI8: return read(int8_t{});
    case DType::kI16: return read(int16_t{});
    case DType::kI32: return read(int32_t{});
    default: return fallback;
  }
}

int64_t count_layers(const formats::Ctranslate2& file, const std::string& side) {
  int64_t layers = 0;
  while (file.find(side + "/layer_" + std::to_string(layers) + "/ffn/linear_0/weight") != nullptr)
    ++layers;
  return layers;
}

Status read_ctranslate2_sizes(const formats::Ctranslate2& file, Config& config) {
  const std::string& where = file.path();
  MAIE_ASSIGN(const int64_t vocabulary, dimension(file, "decoder/embeddings/weight", 2, 0));
  MAIE_ASSIGN(const int64_t width, dimension(file, "decoder/embeddings/weight", 2, 1));
  MAIE_TRY(set_size(config, &Config::vocabulary, vocabulary, where));
  MAIE_TRY(set_size(config, &Config::width, width, where));

  // [C, F, 3], or [C, F * 3] in files of some converters.
  MAIE_ASSIGN(const int64_t bins, dimension(file, "encoder/conv1/weight", 2, 1));
  const bool flat = file.find("encoder/conv1/weight")->rank() == 2;
  MAIE_TRY(set_size(config, &Config::mel_bins, flat ? bins / 3 : bins, where));

  MAIE_ASSIGN(const int64_t audio, dimension(file, "encoder/position_encodings/encodings", 2, 0));
  MAIE_ASSIGN(const int64_t text, dimension(file, "decoder/position_encodings/encodings", 2, 0));
  MAIE_TRY(set_size(config, &Config::audio_context, audio, where));
  MAIE_TRY(set_size(config, &Config::text_context, text, where));
  MAIE_TRY(set_size(config, &Config::encoder_layers, count_layers(file, "encoder"), where));
  MAIE_TRY(set_size(config, &Config::decoder_layers, count_layers(file, "decoder"), where));
  MAIE_ASSIGN(const int64_t encoder_ffn,
              dimension(file, "encoder/layer_0/ffn/linear_0/weight", 2, 0));
  MAIE_ASSIGN(const int64_t decoder_ffn,
              dimension(file, "decoder/layer_0/ffn/linear_0/weight", 2, 0));
  MAIE_TRY(set_size(config, &Config::encoder_ffn, encoder_ffn, where));
  MAIE_TRY(set_size(config, &Config::decoder_ffn, decoder_ffn, where));
  // Every published model has heads of 64; only old files do not say.
  const int64_t heads = std::max<int64_t>(1, config.width / 64);
  MAIE_TRY(set_size(config, &Config::encoder_heads,
                    integer_scalar(file, "encoder/num_heads", heads), where));
  MAIE_TRY(set_size(config, &Config::decoder_heads,
                    integer_scalar(file, "decoder/num_heads", heads), where));
  return check_heads(config, where);
}

}  // namespace

Result<Config> config_from_ctranslate2(const formats::Ctranslate2& file,
                                       std::string_view config_json) {
  const std::string& where = file.path();
  if (file.spec_name() != "WhisperSpec") {
    return unsupported(where + ": is a CTranslate2 model of kind \"" +
                       file.spec_name().substr(0, 80) +
                       "\", MAIE reads \"WhisperSpec\" here; name a Whisper model");
  }
  constexpr int64_t kGelu = 3;
  for (const char* side : {"encoder", "decoder"}) {
    if (integer_scalar(file, std::string(side) + "/activation", kGelu) != kGelu) {
      return unsupported(
          where + ": the " + side +
          "'s activation is not GELU, the only one MAIE's Whisper has; use another model");
    }
  }
  Config config;
  MAIE_TRY(read_ctranslate2_sizes(file, config));
  config.is_multilingual = config.vocabulary >= 51865;
  if (!config_json.empty()) {
    const std::string in_config = where + ": config.json beside it";
    MAIE_ASSIGN(const Json json, parse_object(config_json, in_config));
    read_alignment_heads(json, config, in_config);
    config.suppress_ids = id_list(json, "suppress_ids", config);
    config.begin_suppress_ids = id_list(json, "suppress_ids_begin", config);
    // English-only models list their (unused) language tokens too: many languages, no verdict.
    if (config.vocabulary < 51864)
      config.is_multilingual = !id_list(json, "lang_ids", config).empty();
  }
  fill_defaults(config);
  return config;
}

Result<Config> config_from_ggml(const formats::GgmlFile& file) {
  const formats::GgmlHeader& header = file.header();
  const std::string& where = file.path();
  if (header.text_width != header.audio_width) {
    return unsupported(where + ": the encoder is " + std::to_string(header.audio_width) +
                       " wide, the decoder " + std::to_string(header.text_width) +
                       "; Whisper has one width");
  }
  Config config;
  struct Field {
    int Config::*field;
    int64_t value;
  };
  for (const Field& f :
       {Field{&Config::vocabulary, header.vocabulary}, Field{&Config::width, header.audio_width},
        Field{&Config::audio_context, header.audio_context},
        Field{&Config::text_context, header.text_context},
        Field{&Config::encoder_layers, header.audio_layers},
        Field{&Config::decoder_layers, header.text_layers},
        Field{&Config::encoder_heads, header.audio_heads},
        Field{&Config::decoder_heads, header.text_heads},
        Field{&Config::mel_bins, header.mel_bins}}) {
    MAIE_TRY(set_size(config, f.field, f.value, where));
  }
  MAIE_TRY(check_heads(config, where));
  // The header has no feed-forward width: the shapes of the weights do.
  for (const auto& [name, field] :
       {std::pair{"encoder.blocks.0.mlp.0.weight", &Config::encoder_ffn},
        std::pair{"decoder.blocks.0.mlp.0.weight", &Config::decoder_ffn}}) {
    const formats::GgmlTensor* tensor = file.find(name);
    if (tensor == nullptr || tensor->shape.rank() != 2) {
      return corrupt(where + ": lacks the matrix \"" + name +
                     "\"; the file is incomplete, fetch it again");
    }
    MAIE_TRY(set_size(config, field, tensor->shape.dim(0), where));
  }
  config.is_multilingual = config.vocabulary >= 51865;
  fill_defaults(config);
  return config;
}

}  // namespace maie::whisper
