#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/default_model.h"

namespace maie::cli {

using store::default_language_model;
using store::default_model;
using store::model_folders_of_process;
using store::ModelFolders;

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
