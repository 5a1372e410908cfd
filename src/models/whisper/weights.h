#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "formats/safetensors.h"
#include "models/whisper/config.h"
#include "models/whisper/vocabulary.h"
#include "tensor/tensor.h"

namespace maie::whisper {

class Source;

/// One weight as the file has it, aligned to its element.
struct Stored {
  ConstTensor values;                 ///< float32, float16, bfloat16, or int8 [rows, columns]
  ConstTensor scales;                 ///< only with int8: float32 [rows], value = values / scale
  std::shared_ptr<const void> owner;  ///< of the bytes of both: a mapped file, or a copy
};

/// The values in float32, one after the other. `out` has room for values.size().
void to_float32(const Stored& stored, std::span<float> out);

/// Name and shape of a weight.
struct WeightSpec {
  std::string name;
  Shape shape;
};

/// Every weight of a Whisper model of that configuration, in the order of its layers, except those
/// that follow from others (proj_out.weight, biases of keys).
std::vector<WeightSpec> weight_specs(const Config& config);

/// The weights of a Whisper model from one of three sources, under the names of the Hugging Face
/// checkpoints without their "model." in front (decoder.layers.3.encoder_attn.k_proj.weight).
/// Files stay mapped; what fits is given as a view of them, the rest is converted when it is asked
/// for and freed with its `Stored`. Immutable; any thread may call.
///
/// Not in every source, and made up where absent: encoder.embed_positions.weight (the sinusoid),
/// *.k_proj.bias (zeros), proj_out.weight (decoder.embed_tokens.weight).
class Weights {
 public:
  /// Opens a folder in the Hugging Face layout (config.json beside model.safetensors or its
  /// shards), a CTranslate2 folder (model.bin), or a whisper.cpp ggml file, and checks that every
  /// weight is there in the right shape, without reading any.
  static Result<std::shared_ptr<const Weights>> open(const std::string& path);
  ~Weights();

  const Config& config() const { return config_; }
  /// "huggingface", "ctranslate2" or "ggml".
  std::string source_kind() const;
  /// How most of the model is stored: "float32", "float16", "bfloat16", "int8", "int8_float16",
  /// "int8_bfloat16", "int16", "q8_0", "q5_0", ...
  std::string stored_type() const;
  /// Every file that makes up the model, configuration and tokenizer included: hash these.
  std::vector<formats::ModelFile> files() const;

  /// A tokenizer.json beside the weights.
  std::optional<std::string> tokenizer_json_path() const;
  /// The token list of CTranslate2 and ggml models; kNotFound for Hugging Face folders.
  Result<Vocabulary> vocabulary() const;

  /// One weight. kCorrupt when its shape is not `expected`; kNotFound when there is none.
  Result<Stored> load(std::string_view name, const Shape& expected) const;

  /// Several weights as one, their rows stacked in the order of `names`: q, k and v of attention,
  /// [C, C] each, as [3C, C], or their biases as [3C]. A view where the file has them stacked,
  /// otherwise a copy. Parts of different types become float32.
  /// @param expected  shape of the whole, whose rows divide equally among the names.
  Result<Stored> load_fused(std::span<const std::string> names, const Shape& expected) const;

  /// True when the output layer is the token embedding.
  bool ties_output() const;

 private:
  Weights();
  Result<Stored> locate(std::string_view name, const Shape& expected) const;
  Status check_all() const;

  std::unique_ptr<const Source> source_;
  Config config_;
};

}  // namespace maie::whisper
