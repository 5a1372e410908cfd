#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/stored_matrix.h"
#include "models/qwen3/config.h"
#include "models/qwen3/weights.h"

namespace maie::qwen3 {

/// Where the weights of one model come from: finds them by the names of `weight_specs` under those
/// of the file. Immutable; any thread.
class Source {
 public:
  virtual ~Source() = default;

  virtual std::string kind() const = 0;         ///< see Weights::source_kind
  virtual std::string stored_type() const = 0;  ///< see Weights::stored_type
  virtual std::vector<formats::ModelFile> files() const = 0;
  virtual std::shared_ptr<const formats::Gguf> gguf() const { return nullptr; }

  /// A matrix of exactly that shape; kNotFound, kCorrupt or kUnsupported with the tensor's name.
  virtual Result<std::unique_ptr<const formats::StoredMatrix>> matrix(
      const WeightSpec& spec) const = 0;
  /// A vector of exactly that shape, in float32.
  virtual Result<OwnedTensor> vector(const WeightSpec& spec) const = 0;
  /// Fails for a tensor that belongs to none of `specs`: leaving it out would be another network.
  virtual Status check_rest(const std::vector<WeightSpec>& specs) const = 0;
};

/// An opened source, and the configuration read with it.
struct OpenedSource {
  std::unique_ptr<const Source> source;
  Config config;
};
Result<OpenedSource> open_huggingface(const std::string& directory);
Result<OpenedSource> open_gguf(std::shared_ptr<const formats::Gguf> file);

/// The sentence about a tensor that is not what the configuration, named `by`, makes it.
Status wrong_shape(const std::string& where, const Shape& is, const Shape& wanted, const char* by);

}  // namespace maie::qwen3
