#include "store/default_model.h"

#include <cstdlib>
#include <filesystem>

#include "store/find_model.h"

namespace maie::store {

ModelFolders model_folders_of_process() {
  ModelFolders where;
  if (const char* chosen = std::getenv("MAIE_MODEL")) where.chosen = chosen;
  if (const char* chosen = std::getenv("MAIE_LLM")) where.chosen_llm = chosen;
  where.folders = folders_of_process();
  return where;
}

Result<std::string> default_model(const ModelFolders& where) {
  if (!where.chosen.empty()) {
    std::error_code error;
    if (std::filesystem::exists(where.chosen, error)) return where.chosen;
    return not_found(where.chosen + ": no such model; correct $MAIE_MODEL or give --model");
  }
  if (const auto path = find_in_folders("mini/asr", where.folders)) return *path;
  return not_found(
      "no model found; give --model PATH or set $MAIE_MODEL (maie doctor shows where was looked)");
}

Result<std::string> default_language_model(const ModelFolders& where) {
  if (!where.chosen_llm.empty()) return where.chosen_llm;
  if (const auto path = find_in_folders("mini/lm", where.folders)) return *path;
  return not_found(
      "no language model found; give --llm PATH or set $MAIE_LLM (maie models lists what is here)");
}

}  // namespace maie::store
