#include "models/qwen3/weights.h"

#include "formats/side_files.h"

namespace maie::qwen3 {
namespace {

std::string stored_name(std::string_view name) {
  return name == "lm_head.weight" ? std::string(name) : "model." + std::string(name);
}

}  // namespace

Result<std::shared_ptr<const Weights>> Weights::open(const std::string& directory) {
  MAIE_ASSIGN(const std::string config_json,
              formats::read_side_file(directory, "config.json", formats::Presence::kRequired));
  MAIE_ASSIGN(
      const std::string generation,
      formats::read_side_file(directory, "generation_config.json", formats::Presence::kOptional));
  MAIE_ASSIGN(Config config, config_from_huggingface(config_json, generation, directory));
  MAIE_ASSIGN(auto file, formats::Safetensors::open_sharded(directory));
  std::shared_ptr<const Weights> weights(
      new Weights(directory, std::move(config), std::move(file)));
  MAIE_TRY(weights->check_all());
  return weights;
}

Status Weights::check_weight(const std::string& name, const Shape& shape) const {
  MAIE_ASSIGN(const ConstTensor tensor, file_->get(stored_name(name)));
  const std::string where = file_->path() + ": tensor \"" + stored_name(name) + "\"";
  if (tensor.shape() != shape) {
    return corrupt(where + " is " + tensor.shape().to_string() + ", and config.json makes it " +
                   shape.to_string());
  }
  switch (tensor.dtype()) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16: return {};
    default:
      return unsupported(where + " holds " + std::string(to_string(tensor.dtype())) +
                         "; weights in float32, float16 and bfloat16 are read from safetensors");
  }
}

Status Weights::check_all() const {
  const Config& c = config_;
  MAIE_TRY(check_weight("embed_tokens.weight", {c.vocabulary, c.width}));
  MAIE_TRY(check_weight("norm.weight", {c.width}));
  if (!c.tied_embeddings) MAIE_TRY(check_weight("lm_head.weight", {c.vocabulary, c.width}));
  for (int i = 0; i < c.layers; ++i) {
    const std::string layer = "layers." + std::to_string(i) + ".";
    const std::string attention = layer + "self_attn.";
    MAIE_TRY(check_weight(layer + "input_layernorm.weight", {c.width}));
    MAIE_TRY(check_weight(attention + "q_proj.weight", {c.heads * c.head_width, c.width}));
    MAIE_TRY(check_weight(attention + "k_proj.weight", {c.kv_heads * c.head_width, c.width}));
    MAIE_TRY(check_weight(attention + "v_proj.weight", {c.kv_heads * c.head_width, c.width}));
    MAIE_TRY(check_weight(attention + "o_proj.weight", {c.width, c.heads * c.head_width}));
    if (c.head_norms) {
      MAIE_TRY(check_weight(attention + "q_norm.weight", {c.head_width}));
      MAIE_TRY(check_weight(attention + "k_norm.weight", {c.head_width}));
    }
    MAIE_TRY(check_weight(layer + "post_attention_layernorm.weight", {c.width}));
    MAIE_TRY(check_weight(layer + "mlp.gate_proj.weight", {c.mlp_width, c.width}));
    MAIE_TRY(check_weight(layer + "mlp.up_proj.weight", {c.mlp_width, c.width}));
    MAIE_TRY(check_weight(layer + "mlp.down_proj.weight", {c.width, c.mlp_width}));
  }
  return {};
}

ConstTensor Weights::get(std::string_view name) const {
  const ConstTensor* tensor = file_->find(stored_name(name));
  check(tensor != nullptr, "a weight that was checked when the model was opened");
  return *tensor;
}

std::string Weights::stored_type() const {
  return std::string(to_string(get("layers.0.mlp.down_proj.weight").dtype()));
}

std::vector<formats::ModelFile> Weights::files() const {
  std::vector<formats::ModelFile> files = file_->files();
  for (auto& file : formats::existing_files(
           directory_, {"config.json", "generation_config.json", "tokenizer.json",
                        "tokenizer_config.json", "chat_template.jinja", "prompts.json"})) {
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace maie::qwen3
