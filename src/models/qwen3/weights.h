#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/safetensors.h"
#include "models/qwen3/config.h"
#include "tensor/tensor.h"

namespace maie::qwen3 {

/// The dense weights of a Hugging Face folder: config.json beside model.safetensors or its shards,
/// in float32, float16 or bfloat16. Files stay mapped, nothing is copied. Immutable; any thread.
class Weights {
 public:
  /// Opens the folder and checks that every weight is there in the right shape, without reading
  /// any.
  static Result<std::shared_ptr<const Weights>> open(const std::string& directory);

  const Config& config() const { return config_; }
  /// A weight that `open` has checked, as stored (layers.0.mlp.up_proj.weight, lm_head.weight).
  /// @throws ContractError for any other name.
  ConstTensor get(std::string_view name) const;
  /// How most of the layers are stored: "bfloat16", "float16" or "float32".
  std::string stored_type() const;
  /// Every file that makes up the model: hash these.
  std::vector<formats::ModelFile> files() const;

 private:
  Weights(std::string directory, Config config, std::shared_ptr<const formats::Safetensors> file)
      : directory_(std::move(directory)), config_(std::move(config)), file_(std::move(file)) {}
  Status check_weight(const std::string& name, const Shape& shape) const;
  Status check_all() const;

  std::string directory_;
  Config config_;
  std::shared_ptr<const formats::Safetensors> file_;
};

}  // namespace maie::qwen3
