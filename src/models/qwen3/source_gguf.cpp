// GGUF files: their own names, and the query and key rows of Llama in pairs (docs/models/qwen3.md).
#include <filesystem>
#include <set>

#include "formats/byte_reader.h"
#include "models/qwen3/config_gguf.h"
#include "models/qwen3/source.h"

namespace maie::qwen3 {
namespace {

struct Name {
  std::string_view ours, file;
};
constexpr Name kNames[] = {{"embed_tokens.weight", "token_embd.weight"},
                           {"norm.weight", "output_norm.weight"},
                           {"lm_head.weight", "output.weight"}};
constexpr Name kLayerNames[] = {
    {"input_layernorm", "attn_norm"},    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"}, {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"}, {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"}};

// "layers.3.mlp.up_proj.weight" is "blk.3.ffn_up.weight".
std::string stored_name(std::string_view name) {
  for (const Name& known : kNames) {
    if (name == known.ours) return std::string(known.file);
  }
  constexpr std::string_view kLayers = "layers.", kWeight = ".weight";
  check(name.starts_with(kLayers) && name.ends_with(kWeight), "the name of a layer's weight");
  name.remove_prefix(kLayers.size());
  name.remove_suffix(kWeight.size());
  const size_t dot = name.find('.');
  for (const Name& known : kLayerNames) {
    if (name.substr(dot + 1) == known.ours) {
      return "blk." + std::string(name.substr(0, dot)) + "." + std::string(known.file) + ".weight";
    }
  }
  check(false, "a weight that GGUF has a name for");
  return {};
}

// The file's own word for the mixture of types, by general.file_type.
std::string name_of_mixture(int64_t file_type) {
  switch (file_type) {
    case 0: return "float32";
    case 1: return "float16";
    case 2: return "q4_0";
    case 3: return "q4_1";
    case 7: return "q8_0";
    case 8: return "q5_0";
    case 9: return "q5_1";
    case 14: return "q4_K_S";
    case 15: return "q4_K_M";
    case 16: return "q5_K_S";
    case 17: return "q5_K_M";
    case 18: return "q6_K";
    case 32: return "bfloat16";
    default: return {};
  }
}

class GgufSource : public Source {
 public:
  GgufSource(std::shared_ptr<const formats::Gguf> file, const Config& config)
      : file_(std::move(file)),
        interleaved_(*file_->string("general.architecture") == "llama"),
        head_width_(config.head_width) {}

  std::string kind() const override { return "gguf"; }

  std::string stored_type() const override {
    const auto mixture = file_->integer("general.file_type");
    std::string name = mixture.has_value() ? name_of_mixture(*mixture) : std::string();
    const formats::GgufTensor* layer = file_->find("blk.0.ffn_up.weight");
    return name.empty() && layer != nullptr ? std::string(to_string(layer->type)) : name;
  }

  std::vector<formats::ModelFile> files() const override {
    return {{file_->path(), file_->size_bytes()}};
  }
  std::shared_ptr<const formats::Gguf> gguf() const override { return file_; }

  Result<std::unique_ptr<const formats::StoredMatrix>> matrix(
      const WeightSpec& spec) const override {
    MAIE_ASSIGN(const formats::GgufTensor tensor, find(spec));
    const bool turned =
        spec.name.ends_with("q_proj.weight") || spec.name.ends_with("k_proj.weight");
    return formats::stored_matrix(file_, stored_name(spec.name), tensor,
                                  interleaved_ && turned ? head_width_ : 0);
  }

  Result<OwnedTensor> vector(const WeightSpec& spec) const override {
    MAIE_ASSIGN(const formats::GgufTensor tensor, find(spec));
    OwnedTensor values({}, DType::kF32, tensor.shape);
    formats::dequantize(tensor.type, tensor.bytes, values.view().span<float>());
    return values;
  }

  Status check_rest(const std::vector<WeightSpec>& specs) const override {
    std::set<std::string, std::less<>> known = {"rope_freqs.weight"};
    for (const WeightSpec& spec : specs) known.insert(stored_name(spec.name));
    for (const std::string_view name : file_->names()) {
      if (known.contains(name)) continue;
      return unsupported(where(name) + (name.ends_with(".bias") ? " is a bias, which" : "") +
                         " has no place in a dense Qwen3 or Llama network");
    }
    return {};
  }

 private:
  std::string where(std::string_view name) const {
    return file_->path() + ": tensor \"" + formats::printable(name) + "\"";
  }

  Result<formats::GgufTensor> find(const WeightSpec& spec) const {
    const std::string name = stored_name(spec.name);
    MAIE_ASSIGN(const formats::GgufTensor tensor, file_->get(name));
    if (tensor.shape != spec.shape) {
      return wrong_shape(where(name), tensor.shape, spec.shape, "the metadata");
    }
    return tensor;
  }

  std::shared_ptr<const formats::Gguf> file_;
  bool interleaved_;
  int64_t head_width_;
};

}  // namespace

Result<OpenedSource> open_gguf(std::shared_ptr<const formats::Gguf> file) {
  MAIE_ASSIGN(Config config, config_from_gguf(*file));
  auto source = std::make_unique<GgufSource>(std::move(file), config);
  return OpenedSource{std::move(source), std::move(config)};
}

}  // namespace maie::qwen3
