#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace maie::store {

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

}  // namespace maie::store
