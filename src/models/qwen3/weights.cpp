#include "models/qwen3/weights.h"

#include <filesystem>

#include "base/guarded.h"
#include "models/qwen3/source.h"

namespace maie::qwen3 {
namespace {

namespace fs = std::filesystem;

Result<OpenedSource> open_path(const std::string& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    return not_found(path + ": no such model; name the folder of one, or a GGUF file");
  }
  if (!fs::is_directory(path, ignored)) {
    MAIE_ASSIGN(auto file, formats::Gguf::open(path));
    return open_gguf(std::move(file));
  }
  return open_huggingface(path);
}

}  // namespace

std::vector<WeightSpec> weight_specs(const Config& c) {
  std::vector<WeightSpec> specs = {{"embed_tokens.weight", {c.vocabulary, c.width}},
                                   {"norm.weight", {c.width}}};
  if (!c.tied_embeddings) specs.push_back({"lm_head.weight", {c.vocabulary, c.width}});
  for (int i = 0; i < c.layers; ++i) {
    const std::string layer = "layers." + std::to_string(i) + ".";
    const std::string attention = layer + "self_attn.";
    specs.push_back({layer + "input_layernorm.weight", {c.width}});
    specs.push_back({attention + "q_proj.weight", {c.heads * c.head_width, c.width}});
    specs.push_back({attention + "k_proj.weight", {c.kv_heads * c.head_width, c.width}});
    specs.push_back({attention + "v_proj.weight", {c.kv_heads * c.head_width, c.width}});
    specs.push_back({attention + "o_proj.weight", {c.width, c.heads * c.head_width}});
    if (c.head_norms) {
      specs.push_back({attention + "q_norm.weight", {c.head_width}});
      specs.push_back({attention + "k_norm.weight", {c.head_width}});
    }
    specs.push_back({layer + "post_attention_layernorm.weight", {c.width}});
    specs.push_back({layer + "mlp.gate_proj.weight", {c.mlp_width, c.width}});
    specs.push_back({layer + "mlp.up_proj.weight", {c.mlp_width, c.width}});
    specs.push_back({layer + "mlp.down_proj.weight", {c.width, c.mlp_width}});
  }
  return specs;
}

Status wrong_shape(const std::string& where, const Shape& is, const Shape& wanted, const char* by) {
  return corrupt(where + " is " + is.to_string() + ", and " + by + " makes it " +
                 wanted.to_string());
}

Weights::Weights(std::unique_ptr<const Source> source, Config config)
    : source_(std::move(source)), config_(std::move(config)) {}
Weights::~Weights() = default;

Result<std::shared_ptr<const Weights>> Weights::open(const std::string& path) {
  return guarded([&]() -> Result<std::shared_ptr<const Weights>> {
    MAIE_ASSIGN(OpenedSource opened, open_path(path));
    return finish(std::move(opened.source), std::move(opened.config));
  });
}

Result<std::shared_ptr<const Weights>> Weights::open(std::shared_ptr<const formats::Gguf> file) {
  return guarded([&]() -> Result<std::shared_ptr<const Weights>> {
    MAIE_ASSIGN(OpenedSource opened, open_gguf(std::move(file)));
    return finish(std::move(opened.source), std::move(opened.config));
  });
}

Result<std::shared_ptr<const Weights>> Weights::finish(std::unique_ptr<const Source> source,
                                                       Config config) {
  std::shared_ptr<Weights> weights(new Weights(std::move(source), std::move(config)));
  const std::vector<WeightSpec> specs = weight_specs(weights->config_);
  for (const WeightSpec& spec : specs) MAIE_TRY(weights->read(spec));
  MAIE_TRY(weights->source_->check_rest(specs));
  return std::shared_ptr<const Weights>(std::move(weights));
}

Status Weights::read(const WeightSpec& spec) {
  if (spec.shape.rank() == 1) {
    MAIE_ASSIGN(OwnedTensor values, source_->vector(spec));
    norms_.emplace(spec.name, std::move(values));
    return {};
  }
  MAIE_ASSIGN(auto matrix, source_->matrix(spec));
  matrices_.emplace(spec.name, std::move(matrix));
  return {};
}

std::string Weights::source_kind() const { return source_->kind(); }
std::string Weights::stored_type() const { return source_->stored_type(); }
std::vector<formats::ModelFile> Weights::files() const { return source_->files(); }
std::shared_ptr<const formats::Gguf> Weights::gguf() const { return source_->gguf(); }

const formats::StoredMatrix& Weights::matrix(std::string_view name) const {
  const auto found = matrices_.find(name);
  check(found != matrices_.end(), "a matrix of the model");
  return *found->second;
}

ConstTensor Weights::norm(std::string_view name) const {
  const auto found = norms_.find(name);
  check(found != norms_.end(), "a norm of the model");
  return found->second.view();
}

}  // namespace maie::qwen3
