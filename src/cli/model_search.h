#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace maie::cli {

/// Where models are looked for, the first first.
struct ModelFolders {
  std::string chosen;                ///< $MAIE_MODEL: a model, not a folder of them; may be empty
  std::vector<std::string> folders;  ///< folders that hold models, e.g. "models"
  std::string chosen_llm{};  ///< $MAIE_LLM: a language model or a server's URL; may be empty
};

/// $MAIE_MODEL, $MAIE_LLM, ./models, and share/maie/models beside the program's bin directory.
ModelFolders model_folders_of_process();

/// The model `maie transcribe` takes without --model: the chosen one, else mini/asr of the first
/// folder that has it. kNotFound with what to do when there is none.
Result<std::string> default_model(const ModelFolders& where);

/// The language model taken without --llm: $MAIE_LLM, else mini/lm of the first folder that has it.
Result<std::string> default_language_model(const ModelFolders& where);

/// A model on this machine.
struct FoundModel {
  std::string path;
  std::string kind;         ///< "huggingface", "ctranslate2", "ggml", "silero"
  uint64_t size_bytes = 0;  ///< of its weight files
  std::string problem;      ///< what makes it unusable; empty when nothing was found
};

/// Models in those folders, at most four levels deep, sorted by path. Looks at file lists and at
/// the headers of weight files, not at the weights.
std::vector<FoundModel> find_models(const ModelFolders& where);

}  // namespace maie::cli
