#include "store/model_facts.h"

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <map>

#include "base/file.h"
#include "formats/ctranslate2.h"
#include "formats/ggml.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"

namespace maie::store {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestConfig = 1 << 20;
constexpr int64_t kLargestSize = 1 << 24;  // of a number that estimates are made of

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    std::error_code ignored;
    if (!it->is_directory(ignored)) files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

uint64_t size_of_file(const fs::path& path) {
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

int64_t bounded(int64_t value) { return value > 0 && value <= kLargestSize ? value : 0; }

void require(const fs::path& folder, std::initializer_list<const char*> any_of, ModelFacts& facts) {
  if (!facts.problem.empty()) return;
  std::string names;
  for (const char* name : any_of) {
    if (is_there(folder / name)) return;
    names += (names.empty() ? "" : " or ") + std::string(name);
  }
  facts.problem =
      folder.string() + ": " + names + " is missing; copy the whole model directory again";
}

// Bytes by type of storage; the name most bytes have.
class TypeSum {
 public:
  void add(std::string_view type, uint64_t bytes) { bytes_[std::string(type)] += bytes; }
  std::string most() const {
    const auto it = std::max_element(bytes_.begin(), bytes_.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
    return it == bytes_.end() ? "" : it->first;
  }

 private:
  std::map<std::string, uint64_t> bytes_;
};

// Packed weights count as what they stand for; scales and zeros are no parameters.
uint64_t parameters_of(std::string_view name, const ConstTensor& tensor, int64_t bits) {
  for (const char* ending : {"qzeros", "scales", "g_idx", "weight_scale", "weight_zero_point",
                             "weight_shape", "weight_g_idx"})
    if (name.ends_with(ending)) return 0;
  const bool packed = name.ends_with("qweight") || name.ends_with("weight_packed");
  return uint64_t(tensor.size()) * uint64_t(packed ? 32 / bits : 1);
}

void look_at_safetensors(const fs::path& path, int64_t bits, TypeSum& types, ModelFacts& facts) {
  facts.size_bytes += size_of_file(path);
  const auto file = formats::Safetensors::open(path.string());
  if (!file.has_value()) {
    if (facts.problem.empty()) facts.problem = file.error().message();
    return;
  }
  for (const std::string_view name : (*file)->names()) {
    const ConstTensor* tensor = (*file)->find(name);
    if (tensor == nullptr) continue;
    types.add(to_string(tensor->dtype()), tensor->size_bytes());
    facts.parameters += parameters_of(name, *tensor, bits);
  }
}

std::string silero_marker() { return "lstm_cell.weight_hh"; }

bool is_silero(const fs::path& path) {
  if (path.filename().string().find("silero") != std::string::npos) return true;
  const auto file = formats::Safetensors::open(path.string());
  return file.has_value() && (*file)->find(silero_marker()) != nullptr;
}

ModelFacts silero(const fs::path& path) {
  ModelFacts facts;
  facts.path = path.string();
  facts.layout = facts.architecture = "silero";
  TypeSum types;
  look_at_safetensors(path, 32, types, facts);
  facts.quantization = types.most();
  return facts;
}

// The shards an index names must all be there; a missing one is a cut download.
void check_shards(const fs::path& folder, ModelFacts& facts) {
  if (!facts.problem.empty() || !is_there(folder / "model.safetensors.index.json")) return;
  const auto whole = formats::Safetensors::open_sharded(folder.string());
  if (!whole.has_value()) facts.problem = whole.error().message();
}

int64_t quantised_bits(const Json& config) {
  const auto quantised = config.is_object() ? config.find("quantization_config") : config.end();
  if (quantised == config.end() || !quantised->is_object()) return 32;
  int64_t bits = json_int(*quantised, "bits", json_int(*quantised, "w_bit", 0));
  if (const auto groups = quantised->find("config_groups");
      groups != quantised->end() && groups->is_object() && !groups->empty()) {
    const Json& group = groups->begin().value();
    if (const auto weights = group.is_object() ? group.find("weights") : group.end();
        weights != group.end())
      bits = json_int(*weights, "num_bits", bits);
  }
  return bits >= 1 && bits <= 32 ? bits : 4;
}

ModelFacts hugging_face(const fs::path& folder, const std::vector<fs::path>& shards) {
  ModelFacts facts;
  facts.path = folder.string();
  facts.layout = "huggingface";
  require(folder, {"config.json"}, facts);
  int64_t bits = 32;
  if (const auto text = read_file((folder / "config.json").string(), kLargestConfig)) {
    const Result<Json> config = parse_json(*text);
    if (config.has_value()) {
      add_config(*config, facts);
      bits = quantised_bits(*config);
    } else if (facts.problem.empty()) {
      facts.problem = config.error().within((folder / "config.json").string()).message();
    }
  }
  require(folder, {"tokenizer.json", "vocab.json"}, facts);
  TypeSum types;
  for (const fs::path& shard : shards) look_at_safetensors(shard, bits, types, facts);
  if (bits == 32 && !types.most().empty()) facts.quantization = types.most();
  check_shards(folder, facts);
  return facts;
}

ModelFacts ctranslate2(const fs::path& folder) {
  ModelFacts facts;
  facts.path = folder.string();
  facts.layout = "ctranslate2";
  facts.size_bytes = size_of_file(folder / "model.bin");
  const auto file = formats::Ctranslate2::open((folder / "model.bin").string());
  if (!file.has_value()) {
    facts.problem = file.error().message();
    return facts;
  }
  facts.architecture = (*file)->spec_name() == "WhisperSpec" ? "whisper" : (*file)->spec_name();
  TypeSum types;
  for (const std::string_view name : (*file)->names()) {
    const ConstTensor* tensor = (*file)->find(name);
    types.add(to_string(tensor->dtype()), tensor->size_bytes());
    if (!name.ends_with("_scale")) facts.parameters += uint64_t(tensor->size());
  }
  facts.quantization = types.most();
  require(folder, {"config.json"}, facts);
  require(folder, {"tokenizer.json", "vocabulary.json", "vocabulary.txt"}, facts);
  return facts;
}

ModelFacts ggml(const fs::path& path) {
  ModelFacts facts;
  facts.path = path.string();
  facts.layout = "ggml";
  facts.architecture = "whisper";
  facts.size_bytes = size_of_file(path);
  const auto file = formats::GgmlFile::open(path.string());
  if (!file.has_value()) {
    facts.problem = file.error().message();
    return facts;
  }
  TypeSum types;
  for (const std::string_view name : (*file)->names()) {
    const formats::GgmlTensor* tensor = (*file)->find(name);
    types.add(formats::to_string(tensor->type), tensor->bytes.size());
    facts.parameters += uint64_t(tensor->shape.size());
  }
  facts.quantization = types.most();
  return facts;
}

void add_gguf_sizes(const formats::Gguf& file, ModelFacts& facts) {
  const auto number = [&](const std::string& key) {
    const Result<int64_t> value = file.integer(facts.architecture + "." + key);
    return value.has_value() ? bounded(*value) : 0;
  };
  facts.layers = number("block_count");
  facts.context = number("context_length");
  const int64_t heads = number("attention.head_count");
  facts.kv_heads = number("attention.head_count_kv");
  if (facts.kv_heads == 0) facts.kv_heads = heads;
  facts.head_width = number("attention.key_length");
  if (facts.head_width == 0 && heads > 0) facts.head_width = number("embedding_length") / heads;
}

ModelFacts gguf(const fs::path& path) {
  ModelFacts facts;
  facts.path = path.string();
  facts.layout = "gguf";
  facts.size_bytes = size_of_file(path);
  const auto file = formats::Gguf::open(path.string());
  if (!file.has_value()) {
    facts.problem = file.error().message();
    return facts;
  }
  if (const auto name = (*file)->string("general.architecture"))
    facts.architecture = name->substr(0, 64);
  TypeSum types;
  for (const std::string_view name : (*file)->names()) {
    const formats::GgufTensor* tensor = (*file)->find(name);
    types.add(formats::to_string(tensor->type), tensor->bytes.size());
    facts.parameters += uint64_t(tensor->shape.size());
  }
  facts.quantization = types.most();
  add_gguf_sizes(**file, facts);
  return facts;
}

bool is_ggml_name(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with("ggml-") && name.ends_with(".bin");
}

}  // namespace

bool ModelFacts::is_supported() const {
  return is_language_model() || architecture == "whisper" || architecture == "silero";
}

void add_config(const Json& config, ModelFacts& facts) {
  if (!config.is_object()) return;
  facts.architecture = json_string(config, "model_type", "").substr(0, 64);
  const auto number = [&config](const char* key) { return bounded(json_int(config, key, 0)); };
  facts.layers = number("num_hidden_layers");
  facts.context = number("max_position_embeddings");
  const int64_t heads = number("num_attention_heads");
  facts.kv_heads = number("num_key_value_heads");
  if (facts.kv_heads == 0) facts.kv_heads = heads;
  facts.head_width = number("head_dim");
  if (facts.head_width == 0 && heads > 0) facts.head_width = number("hidden_size") / heads;
  facts.quantization = json_string(config, "torch_dtype", json_string(config, "dtype", ""));
  if (const int64_t bits = quantised_bits(config); bits < 32) {
    const std::string method =
        json_string(config["quantization_config"], "quant_method", "quantised").substr(0, 32);
    facts.quantization = method + " " + std::to_string(bits) + "-bit";
  }
}

ModelFacts model_of_file(const std::string& path) {
  const fs::path file(path);
  if (file.extension() == ".gguf") return gguf(file);
  if (file.extension() == ".safetensors" && is_silero(file)) return silero(file);
  if (is_ggml_name(file)) return ggml(file);
  // By what it begins with, as $MAIE_MODEL may name any file.
  if (const auto map = MappedFile::open(path); map.has_value() && (*map)->bytes().size() >= 4) {
    const std::string_view head(reinterpret_cast<const char*>((*map)->bytes().data()), 4);
    if (head == "GGUF") return gguf(file);
    if (head == "lmgg") return ggml(file);
  }
  ModelFacts unknown;
  unknown.path = path;
  return unknown;
}

std::vector<ModelFacts> models_in(const std::string& path) {
  const fs::path folder(path);
  std::vector<ModelFacts> models;
  std::vector<fs::path> shards;
  bool has_ctranslate2 = false;
  for (const fs::path& file : files_of(folder)) {
    const std::string name = file.filename().string();
    if (name.ends_with(".safetensors")) {
      if (is_silero(file)) {
        models.push_back(silero(file));
      } else {
        shards.push_back(file);
      }
    } else if (name.ends_with(".gguf") || is_ggml_name(file)) {
      models.push_back(model_of_file(file.string()));
    } else if (name == "model.bin") {
      has_ctranslate2 = true;
    }
  }
  if (has_ctranslate2) models.insert(models.begin(), ctranslate2(folder));
  if (!shards.empty()) models.insert(models.begin(), hugging_face(folder, shards));
  return models;
}

}  // namespace maie::store
