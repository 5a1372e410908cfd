#include "store/default_model.h"

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace maie::store {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::optional<std::string> first_with(const ModelFolders& where, const char* name) {
  for (const std::string& folder : where.folders) {
    const fs::path path = fs::path(folder) / name;
    if (is_there(path)) return path.string();
  }
  return std::nullopt;
}

}  // namespace

ModelFolders model_folders_of_process() {
  ModelFolders where;
  if (const char* chosen = std::getenv("MAIE_MODEL")) where.chosen = chosen;
  if (const char* chosen = std::getenv("MAIE_LLM")) where.chosen_llm = chosen;
  where.folders.push_back("models");
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error)
    where.folders.push_back((program.parent_path().parent_path() / "share/maie/models").string());
  return where;
}

Result<std::string> default_model(const ModelFolders& where) {
  if (!where.chosen.empty()) {
    if (is_there(where.chosen)) return where.chosen;
    return not_found(where.chosen + ": no such model; correct $MAIE_MODEL or give --model");
  }
  if (const auto path = first_with(where, "mini/asr")) return *path;
  return not_found(
      "no model found; give --model PATH or set $MAIE_MODEL (maie doctor shows where was looked)");
}

Result<std::string> default_language_model(const ModelFolders& where) {
  if (!where.chosen_llm.empty()) return where.chosen_llm;
  if (const auto path = first_with(where, "mini/lm")) return *path;
  return not_found(
      "no language model found; give --llm PATH or set $MAIE_LLM (maie models lists what is here)");
}

}  // namespace maie::store
