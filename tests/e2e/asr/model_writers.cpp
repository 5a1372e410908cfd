#include "tests/e2e/asr/model_writers.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "models/whisper/weights.h"
#include "tensor/dtype.h"
#include "tests/e2e/asr/support.h"
#include "text/byte_alphabet.h"

namespace maie::e2e {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result.has_value()) throw std::runtime_error(result.error().message());
  return std::move(*result);
}

struct Weight {
  std::vector<int64_t> shape;
  std::vector<float> values;
  int64_t rows() const { return shape.front(); }
  int64_t columns() const { return int64_t(values.size()) / rows(); }
};

struct Mini {
  whisper::Config config;
  std::map<std::string, Weight> weights;  // by their Hugging Face names
  std::vector<std::string> tokens;        // all, by id, in the byte-to-unicode form
  size_t ordinary = 0;
};

Mini read_mini() {
  Mini mini;
  const auto file = must(whisper::Weights::open(kMiniModel));
  mini.config = file->config();
  for (const whisper::WeightSpec& spec : whisper::weight_specs(mini.config)) {
    const whisper::Stored stored = must(file->load(spec.name, spec.shape));
    Weight& weight = mini.weights[spec.name];
    weight.values.resize(size_t(stored.values.size()));
    whisper::to_float32(stored, weight.values);
    for (int i = 0; i < spec.shape.rank(); ++i) weight.shape.push_back(spec.shape.dim(i));
  }
  const Json json = must(parse_json(must(read_file(kMiniModel + "/tokenizer.json", 1 << 20))));
  mini.tokens.resize(size_t(mini.config.vocabulary));
  const Json& vocabulary = json["model"]["vocab"];
  for (auto entry = vocabulary.begin(); entry != vocabulary.end(); ++entry) {
    mini.tokens.at(entry.value().get<size_t>()) = entry.key();
  }
  mini.ordinary = mini.tokens.size();
  for (const Json& added : json["added_tokens"]) {
    const size_t id = added["id"].get<size_t>();
    mini.tokens.at(id) = added["content"].get<std::string>();
    mini.ordinary = std::min(mini.ordinary, id);
  }
  return mini;
}

class Writer {
 public:
  explicit Writer(const std::string& path) : file_(path, std::ios::binary) {}
  ~Writer() noexcept(false) {
    file_.close();
    if (!file_ && std::uncaught_exceptions() == 0)
      throw std::runtime_error("the model could not be written");
  }
  template <class Number>
  void number(Number value) {
    file_.write(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void bytes(const std::string& text) { file_.write(text.data(), std::streamsize(text.size())); }
  void floats(const std::vector<float>& values) {
    for (const float value : values) number(value);
  }
  void halves(const std::vector<float>& values) {
    for (const float value : values) number(Half(value));
  }
  /// CTranslate2's strings: the length counts the zero at the end.
  void text(const std::string& value) {
    number(uint16_t(value.size() + 1));
    bytes(value + '\0');
  }

 private:
  std::ofstream file_;
};

// ---------------------------------------------------------------- ggml

std::string replace(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

std::string openai_name(std::string name) {
  if (name.ends_with("embed_positions.weight")) return name.substr(0, 7) + ".positional_embedding";
  const std::pair<const char*, const char*> pairs[] = {
      {"decoder.embed_tokens.", "decoder.token_embedding."},
      {"encoder.layer_norm.", "encoder.ln_post."},
      {"decoder.layer_norm.", "decoder.ln."},
      {".layers.", ".blocks."},
      {".encoder_attn_layer_norm.", ".cross_attn_ln."},
      {".self_attn_layer_norm.", ".attn_ln."},
      {".final_layer_norm.", ".mlp_ln."},
      {".encoder_attn.", ".cross_attn."},
      {".self_attn.", ".attn."},
      {".q_proj.", ".query."},
      {".k_proj.", ".key."},
      {".v_proj.", ".value."},
      {".out_proj.", ".out."},
      {".fc1.", ".mlp.0."},
      {".fc2.", ".mlp.2."}};
  for (const auto& [from, to] : pairs) name = replace(name, from, to);
  return name;
}

// One block of 32 values of a row.
void write_block(Writer& out, const std::string& type, const float* x) {
  const float* peak =
      std::max_element(x, x + 32, [](float a, float b) { return std::abs(a) < std::abs(b); });
  if (type == "q8_0") {
    const float scale = std::abs(*peak) / 127;
    out.number(Half(scale));
    for (int i = 0; i < 32; ++i) out.number(int8_t(scale > 0 ? std::lrint(x[i] / scale) : 0));
    return;
  }
  const int levels = type == "q4_0" ? 16 : 32;
  float base = 0, scale = 0;
  if (type == "q5_1") {
    base = *std::min_element(x, x + 32);
    scale = (*std::max_element(x, x + 32) - base) / float(levels - 1);
    out.number(Half(scale));
    out.number(Half(base));
  } else {
    scale = *peak / -float(levels / 2);
    base = -scale * float(levels / 2);
    out.number(Half(scale));
  }
  uint8_t codes[32];
  uint32_t fifth = 0;
  for (int i = 0; i < 32; ++i) {
    const long code = scale != 0 ? std::lrint((x[i] - base) / scale) : 0;
    codes[i] = uint8_t(std::clamp(code, 0L, long(levels - 1)));
    fifth |= uint32_t(codes[i] >> 4) << i;
  }
  if (levels == 32) out.number(fifth);
  for (int i = 0; i < 16; ++i) out.number(uint8_t((codes[i] & 15) | (codes[i + 16] & 15) << 4));
}

struct GgmlType {
  int32_t number;     // of a tensor
  int32_t file_type;  // in the header
};

GgmlType ggml_type(const std::string& name) {
  static const std::map<std::string, GgmlType> types = {{"f32", {0, 0}},     {"f16", {1, 1}},
                                                        {"q4_0", {2, 2002}}, {"q5_0", {6, 2008}},
                                                        {"q5_1", {7, 2009}}, {"q8_0", {8, 2007}}};
  return types.at(name);
}

// Slaney's triangles, which readers may use or work out themselves.
void write_filters(Writer& out, int bins) {
  const auto hertz = [&](int i) {
    const double mel = i * 45.245640471924965 / (bins + 1);
    return mel < 15 ? mel * 200 / 3 : 1000 * std::exp(std::log(6.4) / 27 * (mel - 15));
  };
  out.number(int32_t(bins));
  out.number(int32_t(201));
  for (int i = 0; i < bins; ++i) {
    const double left = hertz(i), middle = hertz(i + 1), right = hertz(i + 2);
    for (int k = 0; k < 201; ++k) {
      const double slope =
          std::min((40.0 * k - left) / (middle - left), (right - 40.0 * k) / (right - middle));
      out.number(float(std::max(0.0, slope) * 2 / (right - left)));
    }
  }
}

// ---------------------------------------------------------------- CTranslate2

struct Variable {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

void append(Variable& whole, const Weight& part) {
  if (whole.shape.empty()) {
    whole.shape = part.shape;
  } else {
    whole.shape.front() += part.shape.front();
  }
  whole.values.insert(whole.values.end(), part.values.begin(), part.values.end());
}

void add_linear(std::map<std::string, Variable>& out, const Mini& mini, const std::string& name,
                const std::vector<std::string>& sources) {
  for (const std::string& source : sources) {
    const Weight& weight = mini.weights.at(source + ".weight");
    append(out[name + "/weight"], weight);
    const auto bias = mini.weights.find(source + ".bias");
    const Weight none{{weight.rows()}, std::vector<float>(size_t(weight.rows()))};
    append(out[name + "/bias"], bias != mini.weights.end() ? bias->second : none);
  }
}

void add_norm(std::map<std::string, Variable>& out, const Mini& mini, const std::string& name,
              const std::string& source) {
  append(out[name + "/gamma"], mini.weights.at(source + ".weight"));
  append(out[name + "/beta"], mini.weights.at(source + ".bias"));
}

std::map<std::string, Variable> ctranslate2_variables(const Mini& mini) {
  std::map<std::string, Variable> out;
  for (const std::string side : {"encoder", "decoder"}) {
    if (side == "encoder") {
      add_linear(out, mini, "encoder/conv1", {"encoder.conv1"});
      add_linear(out, mini, "encoder/conv2", {"encoder.conv2"});
    } else {
      append(out["decoder/embeddings/weight"], mini.weights.at("decoder.embed_tokens.weight"));
    }
    append(out[side + "/position_encodings/encodings"],
           mini.weights.at(side + ".embed_positions.weight"));
    add_norm(out, mini, side + "/layer_norm", side + ".layer_norm");
    for (int layer = 0;; ++layer) {
      const std::string from = side + ".layers." + std::to_string(layer) + ".";
      if (mini.weights.count(from + "fc1.weight") == 0) break;
      const std::string to = side + "/layer_" + std::to_string(layer) + "/";
      const std::string self = from + "self_attn.";
      add_norm(out, mini, to + "self_attention/layer_norm", from + "self_attn_layer_norm");
      add_linear(out, mini, to + "self_attention/linear_0",
                 {self + "q_proj", self + "k_proj", self + "v_proj"});
      add_linear(out, mini, to + "self_attention/linear_1", {self + "out_proj"});
      if (side == "decoder") {
        const std::string cross = from + "encoder_attn.";
        add_norm(out, mini, to + "attention/layer_norm", from + "encoder_attn_layer_norm");
        add_linear(out, mini, to + "attention/linear_0", {cross + "q_proj"});
        add_linear(out, mini, to + "attention/linear_1", {cross + "k_proj", cross + "v_proj"});
        add_linear(out, mini, to + "attention/linear_2", {cross + "out_proj"});
      }
      add_norm(out, mini, to + "ffn/layer_norm", from + "final_layer_norm");
      add_linear(out, mini, to + "ffn/linear_0", {from + "fc1"});
      add_linear(out, mini, to + "ffn/linear_1", {from + "fc2"});
    }
  }
  return out;
}

void write_head(Writer& out, const std::string& name, const std::vector<int64_t>& shape, int type,
                size_t bytes) {
  out.text(name);
  out.number(uint8_t(shape.size()));
  for (const int64_t size : shape) out.number(uint32_t(size));
  out.number(uint8_t(type));
  out.number(uint32_t(bytes));
}

void write_variable(Writer& out, const std::string& name, const Variable& variable,
                    const std::string& type) {
  const size_t count = variable.values.size();
  const bool product = name.ends_with("/weight") && name.find("conv") == std::string::npos;
  if (type == "int8" && product) {
    const size_t rows = size_t(variable.shape.front()), columns = count / rows;
    std::vector<float> scales;
    write_head(out, name, variable.shape, 1, count);
    for (size_t row = 0; row < rows; ++row) {
      float largest = 0;
      for (size_t i = 0; i < columns; ++i)
        largest = std::max(largest, std::abs(variable.values[row * columns + i]));
      scales.push_back(largest > 0 ? 127 / largest : 127);
      for (size_t i = 0; i < columns; ++i) {
        out.number(int8_t(std::lrint(variable.values[row * columns + i] * scales.back())));
      }
    }
    write_head(out, name + "_scale", {variable.shape.front()}, 0, rows * sizeof(float));
    out.floats(scales);
  } else if (type == "float16") {
    write_head(out, name, variable.shape, 4, count * 2);
    out.halves(variable.values);
  } else {
    write_head(out, name, variable.shape, 0, count * 4);
    out.floats(variable.values);
  }
}

}  // namespace

void write_ggml(const std::string& path, const std::string& type) {
  const Mini mini = read_mini();
  const whisper::Config& config = mini.config;
  Writer out(path);
  out.number(uint32_t{0x67676d6c});
  for (const int64_t value :
       {int64_t(config.vocabulary), int64_t(config.audio_context), int64_t(config.width),
        int64_t(config.encoder_heads), int64_t(config.encoder_layers), int64_t(config.text_context),
        int64_t(config.width), int64_t(config.decoder_heads), int64_t(config.decoder_layers),
        int64_t(config.mel_bins)}) {
    out.number(int32_t(value));
  }
  out.number(ggml_type(type).file_type);
  write_filters(out, int(config.mel_bins));
  out.number(int32_t(mini.ordinary));
  for (size_t id = 0; id < mini.ordinary; ++id) {
    const std::string token = text::alphabet_to_bytes(mini.tokens[id]).value();
    out.number(uint32_t(token.size()));
    out.bytes(token);
  }
  for (const auto& [hf_name, weight] : mini.weights) {
    const std::string name = openai_name(hf_name);
    std::vector<int64_t> shape = weight.shape;
    if (name == "encoder.conv1.bias" || name == "encoder.conv2.bias") shape.push_back(1);
    const bool small = weight.shape.size() < 2 || name.ends_with("positional_embedding");
    const std::string stored = small ? "f32" : type[0] == 'q' && shape.size() > 2 ? "f16" : type;
    out.number(int32_t(shape.size()));
    out.number(int32_t(name.size()));
    out.number(ggml_type(stored).number);
    for (auto size = shape.rbegin(); size != shape.rend(); ++size) out.number(int32_t(*size));
    out.bytes(name);
    if (stored == "f32") {
      out.floats(weight.values);
    } else if (stored == "f16") {
      out.halves(weight.values);
    } else {
      for (size_t at = 0; at < weight.values.size(); at += 32)
        write_block(out, stored, weight.values.data() + at);
    }
  }
}

void write_ctranslate2(const std::string& folder, const std::string& type) {
  const Mini mini = read_mini();
  std::filesystem::create_directories(folder);
  const std::map<std::string, Variable> variables = ctranslate2_variables(mini);
  size_t count = variables.size() + 2;
  for (const auto& [name, variable] : variables) {
    const bool product = name.ends_with("/weight") && name.find("conv") == std::string::npos;
    if (type == "int8" && product) ++count;
  }
  {
    Writer out(folder + "/model.bin");
    out.number(uint32_t{6});
    out.text("WhisperSpec");
    out.number(uint32_t{3});
    out.number(uint32_t(count));
    for (const std::string side : {"encoder", "decoder"}) {
      write_head(out, side + "/num_heads", {}, 2, 2);
      out.number(
          int16_t(side == "encoder" ? mini.config.encoder_heads : mini.config.decoder_heads));
    }
    for (const auto& [name, variable] : variables) write_variable(out, name, variable, type);
    out.number(uint32_t{1});
    out.text("decoder/projection/weight");
    out.text("decoder/embeddings/weight");
  }
  Json config = Json::object();
  config["suppress_ids"] = Json::array();
  config["suppress_ids_begin"] = {mini.ordinary};
  config["lang_ids"] = Json::array();
  config["alignment_heads"] = Json::array();
  for (int64_t layer = mini.config.decoder_layers / 2; layer < mini.config.decoder_layers;
       ++layer) {
    for (int64_t head = 0; head < mini.config.decoder_heads; ++head)
      config["alignment_heads"].push_back({layer, head});
  }
  std::ofstream(folder + "/config.json") << config.dump();
  std::ofstream(folder + "/vocabulary.json") << Json(mini.tokens).dump();
}

void write_plain(const std::string& folder) {
  namespace fs = std::filesystem;
  fs::create_directories(folder);
  for (const std::string name : {"config.json", "preprocessor_config.json", "model.safetensors"}) {
    fs::copy_file(kMiniModel + "/" + name, folder + "/" + name);
  }
  Json tokenizer = must(parse_json(must(read_file(kMiniModel + "/tokenizer.json", 1 << 20))));
  for (Json& token : tokenizer["added_tokens"]) {
    const std::string name = token["content"].get<std::string>();
    for (const std::string lost : {"<|en|>", "<|vi|>", "<|translate|>", "<|transcribe|>",
                                   "<|startofprev|>", "<|startoflm|>", "<|nospeech|>"}) {
      if (name == lost) token["content"] = "<|lost" + std::to_string(token["id"].get<int>()) + "|>";
    }
  }
  std::ofstream(folder + "/tokenizer.json") << tokenizer.dump();
  Json generation =
      must(parse_json(must(read_file(kMiniModel + "/generation_config.json", 1 << 20))));
  for (const std::string key : {"lang_to_id", "task_to_id", "prev_sot_token_id"}) {
    generation.erase(key);
  }
  generation["is_multilingual"] = false;
  std::ofstream(folder + "/generation_config.json") << generation.dump();
}

}  // namespace maie::e2e
