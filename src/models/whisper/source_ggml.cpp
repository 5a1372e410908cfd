// whisper.cpp files: the names of the OpenAI checkpoints, quantised blocks widened to float32 when
// asked for. The special tokens are not in the file; their order and number are.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "formats/ggml.h"
#include "models/whisper/source.h"

namespace maie::whisper {
namespace {

using formats::BlockType;
using formats::GgmlFile;
using formats::GgmlTensor;

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kWholeNames = {{
    {"encoder.embed_positions.weight", "encoder.positional_embedding"},
    {"decoder.embed_positions.weight", "decoder.positional_embedding"},
    {"decoder.embed_tokens.weight", "decoder.token_embedding.weight"},
    {"encoder.layer_norm", "encoder.ln_post"},
    {"decoder.layer_norm", "decoder.ln"},
    {"proj_out.weight", ""},
}};
// What follows layers.N., ending before .weight and .bias.
constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kInLayer = {{
    {"self_attn.q_proj", "attn.query"},
    {"self_attn.k_proj", "attn.key"},
    {"self_attn.v_proj", "attn.value"},
    {"self_attn.out_proj", "attn.out"},
    {"self_attn_layer_norm", "attn_ln"},
    {"encoder_attn.q_proj", "cross_attn.query"},
    {"encoder_attn.k_proj", "cross_attn.key"},
    {"encoder_attn.v_proj", "cross_attn.value"},
    {"encoder_attn.out_proj", "cross_attn.out"},
    {"encoder_attn_layer_norm", "cross_attn_ln"},
    {"fc1", "mlp.0"},
    {"fc2", "mlp.2"},
    {"final_layer_norm", "mlp_ln"},
}};

template <class Names>
std::optional<std::string_view> translated(const Names& names, std::string_view canonical) {
  for (const auto& [ours, theirs] : names) {
    if (ours == canonical) return theirs;
  }
  return std::nullopt;
}

std::string openai_name(std::string_view name) {
  if (const auto whole = translated(kWholeNames, name)) return std::string(*whole);
  const size_t last = name.rfind('.');
  if (last == std::string_view::npos) return std::string(name);
  const std::string_view stem = name.substr(0, last);
  const std::string_view kind = name.substr(last);
  if (const auto whole = translated(kWholeNames, stem))
    return std::string(*whole) + std::string(kind);
  const size_t layers = stem.find(".layers.");
  if (layers == std::string_view::npos) return std::string(name);
  const size_t number = layers + 8;
  const size_t dot = stem.find('.', number);
  if (dot == std::string_view::npos) return std::string(name);
  const auto inside = translated(kInLayer, stem.substr(dot + 1));
  if (!inside) return std::string(name);
  return std::string(stem.substr(0, layers)) + ".blocks." +
         std::string(stem.substr(number, dot - number)) + "." + std::string(*inside) +
         std::string(kind);
}

class GgmlSource : public Source {
 public:
  explicit GgmlSource(std::shared_ptr<const GgmlFile> file) : file_(std::move(file)) {
    TypeCount types;
    for (const std::string_view name : file_->names()) {
      const GgmlTensor* tensor = file_->find(name);
      if (tensor->shape.rank() == 2)
        types.add(formats::to_string(tensor->type), tensor->bytes.size());
    }
    stored_type_ = types.most();
  }

  std::string kind() const override { return "ggml"; }
  std::string stored_type() const override { return stored_type_; }
  std::string path() const override { return file_->path(); }
  std::vector<formats::ModelFile> files() const override {
    return {{file_->path(), file_->size_bytes()}};
  }

  Result<std::optional<Shape>> shape_of(std::string_view name) const override {
    const GgmlTensor* tensor = file_->find(openai_name(name));
    return tensor != nullptr ? std::optional<Shape>(tensor->shape) : std::nullopt;
  }

  Result<Stored> fetch(std::string_view name) const override {
    const GgmlTensor* tensor = file_->find(openai_name(name));
    if (tensor == nullptr)
      return not_found(path() + ": has no weight \"" + std::string(name) + "\"");
    if (tensor->type == BlockType::kF32 || tensor->type == BlockType::kF16) {
      const DType type = tensor->type == BlockType::kF32 ? DType::kF32 : DType::kF16;
      return Stored{
          .values = {tensor->bytes.data(), type, tensor->shape}, .scales = {}, .owner = file_};
    }
    const Owned copy = make_owned(DType::kF32, tensor->shape);
    formats::dequantize(tensor->type, tensor->bytes, copy.view.span<float>());
    return Stored{.values = copy.view, .scales = {}, .owner = copy.owner};
  }

  Result<Vocabulary> vocabulary() const override {
    Vocabulary vocabulary;
    vocabulary.tokens = file_->vocabulary();
    auto& tokens = vocabulary.tokens;
    const size_t size = size_t(file_->header().vocabulary);
    if (tokens.size() > size) {
      return corrupt(path() + ": has " + std::to_string(tokens.size()) + " tokens, its network " +
                     std::to_string(size) + "; fetch the file again");
    }
    // Some converters write the first special token with the ordinary ones.
    const auto end = std::find(tokens.begin(), tokens.end(), "<|endoftext|>");
    vocabulary.ordinary = size_t(end - tokens.begin());
    if (tokens.size() == size && end != tokens.end()) return vocabulary;
    tokens.erase(end, tokens.end());
    auto names = implied_special_tokens(size, tokens.size());
    if (!names) return names.error().within(path());
    tokens.insert(tokens.end(), names->begin(), names->end());
    return vocabulary;
  }

 private:
  std::shared_ptr<const GgmlFile> file_;
  std::string stored_type_;
};

}  // namespace

Result<OpenedSource> open_ggml(const std::string& path) {
  MAIE_ASSIGN(auto file, GgmlFile::open(path));
  MAIE_ASSIGN(Config config, config_from_ggml(*file));
  return OpenedSource{std::make_unique<GgmlSource>(std::move(file)), std::move(config)};
}

}  // namespace maie::whisper
