// Hugging Face folders. Layers that "quantization_config" names are quantised, all others dense.
#include <algorithm>
#include <set>

#include "base/json.h"
#include "formats/byte_reader.h"
#include "formats/dense.h"
#include "formats/side_files.h"
#include "models/qwen3/source.h"

namespace maie::qwen3 {
namespace {

using formats::Presence;

std::string stored_name(std::string_view name) {
  return name == "lm_head.weight" ? std::string(name) : "model." + std::string(name);
}

std::string without_suffix(const std::string& name, std::string_view suffix) {
  return name.substr(0, name.size() - suffix.size());
}

class HuggingFaceSource : public Source {
 public:
  HuggingFaceSource(std::string directory, std::shared_ptr<const formats::Safetensors> file,
                    std::optional<formats::QuantisationConfig> quantisation)
      : directory_(std::move(directory)), file_(std::move(file)), quantisation_(quantisation) {}

  std::string kind() const override { return "huggingface"; }

  std::string stored_type() const override {
    const auto layer = matrix({"layers.0.mlp.down_proj.weight", {}});
    return layer.has_value() ? (*layer)->type() : std::string();
  }

  std::vector<formats::ModelFile> files() const override {
    std::vector<formats::ModelFile> files = file_->files();
    for (auto& file : formats::existing_files(
             directory_, {"config.json", "generation_config.json", "tokenizer.json",
                          "tokenizer_config.json", "chat_template.jinja", "prompts.json"})) {
      files.push_back(std::move(file));
    }
    return files;
  }

  Result<std::unique_ptr<const formats::StoredMatrix>> matrix(
      const WeightSpec& spec) const override {
    const std::string name = stored_name(spec.name);
    const std::string prefix = without_suffix(name, ".weight");
    if (quantisation_ && formats::has_quantised_linear(*file_, prefix, quantisation_->method)) {
      MAIE_ASSIGN(auto layer, formats::stored_matrix(file_, prefix, *quantisation_));
      const Shape is{layer->rows(), layer->columns()};
      if (spec.shape.rank() != 0 && is != spec.shape) {
        return wrong_shape(file_->path() + ": layer \"" + prefix + "\"", is, spec.shape,
                           "config.json");
      }
      return layer;
    }
    MAIE_ASSIGN(const ConstTensor view, dense(spec));
    return formats::stored_matrix(file_, name, view);
  }

  Result<OwnedTensor> vector(const WeightSpec& spec) const override {
    MAIE_ASSIGN(const ConstTensor view, dense(spec));
    return formats::float_copy(view);
  }

  Status check_rest(const std::vector<WeightSpec>& specs) const override {
    std::set<std::string, std::less<>> layers;  // names without their last part
    for (const WeightSpec& spec : specs) {
      layers.insert(without_suffix(stored_name(spec.name), ".weight"));
    }
    for (const std::string_view name : file_->names()) {
      const std::string_view layer = name.substr(0, name.rfind('.'));
      if (name.ends_with(".bias")) {
        MAIE_TRY(check_bias(name));
      } else if (!layers.contains(layer) && !name.ends_with(".rotary_emb.inv_freq") &&
                 name != "lm_head.weight") {  // tied models may store the copy
        return unsupported(file_->path() + ": tensor \"" + formats::printable(name) +
                           "\" has no place in a dense Qwen3 or Llama network");
      }
    }
    return {};
  }

 private:
  std::string where(const std::string& name) const {
    return file_->path() + ": tensor \"" + name + "\"";
  }

  // A float tensor of that shape; any shape when the spec has none.
  Result<ConstTensor> dense(const WeightSpec& spec) const {
    const std::string name = stored_name(spec.name);
    MAIE_ASSIGN(const ConstTensor tensor, file_->get(name));
    if (spec.shape.rank() != 0 && tensor.shape() != spec.shape) {
      return wrong_shape(where(name), tensor.shape(), spec.shape, "config.json");
    }
    if (!formats::is_dense_float(tensor.dtype())) {
      return unsupported(where(name) + " holds " + std::string(to_string(tensor.dtype())) +
                         "; weights in float32, float16 and bfloat16 are read from safetensors");
    }
    return tensor;
  }

  // Quantisers write biases of zeros, which change nothing.
  Status check_bias(std::string_view name) const {
    MAIE_ASSIGN(const ConstTensor bias, file_->get(name));
    const bool floats = formats::is_dense_float(bias.dtype());
    const OwnedTensor values = floats ? formats::float_copy(bias) : OwnedTensor();
    const auto all = floats ? values.view().span<float>() : std::span<float>();
    if (floats && std::all_of(all.begin(), all.end(), [](float x) { return x == 0; })) return {};
    return unsupported(where(formats::printable(name)) +
                       " is a bias; Qwen3 and Llama layers without biases are supported");
  }

  std::string directory_;
  std::shared_ptr<const formats::Safetensors> file_;
  std::optional<formats::QuantisationConfig> quantisation_;
};

}  // namespace

Result<OpenedSource> open_huggingface(const std::string& directory) {
  MAIE_ASSIGN(const std::string config_json,
              formats::read_side_file(directory, "config.json", Presence::kRequired));
  MAIE_ASSIGN(const std::string generation,
              formats::read_side_file(directory, "generation_config.json", Presence::kOptional));
  MAIE_ASSIGN(Config config, config_from_huggingface(config_json, generation, directory));
  MAIE_ASSIGN(const Json json, parse_json(config_json));
  auto quantisation = formats::parse_quantisation(json);
  if (!quantisation.has_value()) return quantisation.error().within(directory);
  MAIE_ASSIGN(auto file, formats::Safetensors::open_sharded(directory));
  return OpenedSource{
      std::make_unique<HuggingFaceSource>(directory, std::move(file), *quantisation),
      std::move(config)};
}

}  // namespace maie::qwen3
