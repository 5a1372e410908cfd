#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace maie::store {

/// What can be said of a model by the heads of its files; 0 and empty: not known.
struct ModelFacts {
  std::string path;          ///< of the folder, or of the file where a file is a model
  std::string layout;        ///< "huggingface", "ctranslate2", "gguf", "ggml", "silero"
  std::string architecture;  ///< "whisper", "silero", "qwen3", "llama", or what the file names
  uint64_t parameters = 0;
  std::string quantization;  ///< "bfloat16", "int8", "Q4_K", "awq 4-bit", ...
  uint64_t size_bytes = 0;   ///< of its weight files
  std::string problem;       ///< what makes it unusable; empty when nothing was found

  int64_t layers = 0;      ///< of a decoder that keeps keys and values
  int64_t kv_heads = 0;    ///< of keys and values
  int64_t head_width = 0;  ///< of one head
  int64_t context = 0;     ///< positions it was made for

  /// Whether this program has the network, whatever the state of the files.
  bool is_supported() const;
  bool is_language_model() const { return architecture == "qwen3" || architecture == "llama"; }
};

/// The models a folder itself holds: weights in their several layouts beside each other. Empty
/// where there are none. Sub-folders are not entered.
std::vector<ModelFacts> models_in(const std::string& folder);

/// The model in one file: GGUF, ggml, Silero weights. `layout` is empty for anything else.
ModelFacts model_of_file(const std::string& path);

/// Fills in what a config.json of Hugging Face form says; leaves the rest as it is.
void add_config(const Json& config, ModelFacts& facts);

}  // namespace maie::store
