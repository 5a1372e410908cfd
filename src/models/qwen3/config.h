#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace maie::qwen3 {

/// How rotary frequencies are stretched beyond the context a model was trained on.
struct RopeScaling {
  enum class Kind {
    kLinear,  ///< all by `factor`
    kLlama3,  ///< by wavelength: long ones by `factor`, short ones not, a ramp between
  };
  Kind kind = Kind::kLinear;
  double factor = 1;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  int64_t original_context = 8192;
};

/// Sizes of a Qwen3 or Llama network, all within the bounds that its readers check.
struct Config {
  int64_t width = 0;  ///< C, of the residual stream
  int layers = 0;
  int heads = 0;           ///< of queries
  int kv_heads = 0;        ///< of keys and values; divides `heads`
  int64_t head_width = 0;  ///< D; heads * D need not be the width
  int64_t mlp_width = 0;   ///< F
  int64_t vocabulary = 0;  ///< V, rows of the embedding; may be more than the tokenizer has
  int64_t context = 0;     ///< positions the model was made for
  double rope_theta = 1e4;
  std::optional<RopeScaling> rope_scaling;
  std::vector<float> rope_factors;  ///< [D/2], each frequency is divided by its own; empty: ones
  float eps = 1e-6f;                ///< of every norm
  bool head_norms = false;          ///< Qwen3: queries and keys are normalised before they turn
  bool tied_embeddings = false;     ///< the output layer is the embedding
  std::vector<int> end_tokens;      ///< any of them ends the text

  /// [D/2] radians per position.
  std::vector<float> rope_frequencies() const;
  /// Values of one row q | k | v.
  int64_t qkv_width() const { return (heads + 2 * kv_heads) * head_width; }
};

/// Reads config.json and, where there is one, generation_config.json (empty text: none).
/// @param path  of the folder, for messages.
/// @return kCorrupt for what is not such a file, kUnsupported for what these networks have not
/// (another architecture, biases, sliding windows, YaRN), each with the key and its value.
Result<Config> config_from_huggingface(std::string_view config_json,
                                       std::string_view generation_json, const std::string& path);

}  // namespace maie::qwen3
