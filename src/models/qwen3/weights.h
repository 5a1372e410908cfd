#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "formats/stored_matrix.h"
#include "models/qwen3/config.h"
#include "tensor/tensor.h"

namespace maie::qwen3 {

class Source;

/// Name and shape of a weight; a shape of one extent is a norm, of two a matrix.
struct WeightSpec {
  std::string name;
  Shape shape;
};

/// Every weight of a network of that configuration: the names of Hugging Face checkpoints without
/// their "model." in front (layers.3.mlp.up_proj.weight, lm_head.weight unless tied).
std::vector<WeightSpec> weight_specs(const Config& config);

/// The weights of a model, whatever file they come from, under the names of `weight_specs`. Files
/// stay mapped; nothing but the norms is copied. Immutable; any thread.
class Weights {
 public:
  /// Opens a Hugging Face folder (config.json beside model.safetensors or its shards: float32,
  /// float16, bfloat16, AWQ, GPTQ, pack-quantized) or a GGUF file, and checks that every weight is
  /// there in the right shape and that there is none this network has no place for.
  /// @return kNotFound, kCorrupt, kUnsupported with file, tensor or key, and the reason.
  static Result<std::shared_ptr<const Weights>> open(const std::string& path);
  /// The same of a file that is open.
  static Result<std::shared_ptr<const Weights>> open(std::shared_ptr<const formats::Gguf> file);
  ~Weights();

  const Config& config() const { return config_; }
  /// "huggingface" or "gguf".
  std::string source_kind() const;
  /// How the model is stored: "bfloat16", "awq-4bit", "q4_0", "q4_K_M", ...
  std::string stored_type() const;
  /// Every file that makes up the model: hash these.
  std::vector<formats::ModelFile> files() const;
  /// The opened GGUF file, for its vocabulary; null for a folder.
  std::shared_ptr<const formats::Gguf> gguf() const;

  /// A matrix of `weight_specs`. @throws ContractError for any other name.
  const formats::StoredMatrix& matrix(std::string_view name) const;
  /// A norm of `weight_specs`, float32.
  ConstTensor norm(std::string_view name) const;

 private:
  Weights(std::unique_ptr<const Source> source, Config config);
  static Result<std::shared_ptr<const Weights>> finish(std::unique_ptr<const Source> source,
                                                       Config config);
  Status read(const WeightSpec& spec);

  std::unique_ptr<const Source> source_;
  Config config_;
  std::map<std::string, std::unique_ptr<const formats::StoredMatrix>, std::less<>> matrices_;
  std::map<std::string, OwnedTensor, std::less<>> norms_;
};

}  // namespace maie::qwen3
