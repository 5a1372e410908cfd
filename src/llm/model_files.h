#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "formats/safetensors.h"
#include "llm/language_model.h"
#include "models/qwen3/weights.h"
#include "prompt/chat_template.h"
#include "text/bpe_tokenizer.h"

namespace maie::llm {

/// What a model's generation_config.json asks for where a request says nothing.
struct GenerationDefaults {
  Sampling sampling;
  std::optional<int64_t> max_tokens;
  std::vector<std::string> stops;
};

/// A language model as it lies on the disk, all of its parts opened and checked, none of its
/// weights read yet. Weights stay mapped while anybody holds them. Immutable; any thread.
struct ModelFiles {
  std::string path;          ///< as the user named it
  std::string name;          ///< of the folder, or of the file without its ending
  std::string source;        ///< "huggingface" or "gguf"
  std::string quantization;  ///< as stored: "bfloat16", "awq-4bit", "q4_0", "q4_K_M", ...
  int64_t context = 0;       ///< positions the model was made for

  std::shared_ptr<const qwen3::Weights> weights;  ///< for qwen3::Model::load
  text::BpeTokenizer tokenizer;  ///< all of its ids are below weights->config().vocabulary
  prompt::ChatTemplate chat;
  /// Any of them ends an answer, in no order: what config, generation config and vocabulary name,
  /// and the special tokens that end turns in every model (<|im_end|>, <|eot_id|>, ...).
  std::vector<int32_t> end_tokens;
  /// The token that a rendered chat must begin with, to be put before one that does not; absent
  /// where the chat template alone decides.
  std::optional<int32_t> begin_token;

  GenerationDefaults defaults;
  /// System messages the model was trained with, by template id (prompts.json of its folder).
  std::vector<std::pair<std::string, std::string>> prompts;
  /// Every file that makes up the model, for formats::hash_of_files.
  std::vector<formats::ModelFile> files;

  /// "sha256:..." over all files, remembered between runs; empty when one cannot be read.
  std::string checkpoint_hash() const;
};

/// Opens a Hugging Face folder (config.json beside model.safetensors or its shards, tokenizer.json,
/// tokenizer_config.json; optionally chat_template.jinja, generation_config.json, prompts.json), a
/// GGUF file, or a folder with one GGUF file. What weights may be stored as: qwen3::Weights::open.
/// A model without a chat template gets ChatML when its vocabulary has <|im_start|> and <|im_end|>.
/// @return kNotFound, kCorrupt or kUnsupported with the file, the part of it and the reason.
Result<ModelFiles> open_language_model_files(const std::string& path);

}  // namespace maie::llm
