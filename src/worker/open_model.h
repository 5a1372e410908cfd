#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/cancel.h"
#include "base/status.h"
#include "llm/language_model.h"
#include "pipeline/transcribe.h"
#include "tensor/dtype.h"

namespace maie::worker {

/// Opens a recogniser, for commands and workers alike.
/// @param options  model_path: a folder, a file, or a name in the store (store::find_model)
Result<std::unique_ptr<pipeline::Transcriber>> open_recogniser(
    const pipeline::TranscriberOptions& options);

/// Which language model, and how it is opened.
struct LanguageModelChoice {
  std::string model;         ///< folder, GGUF file, name in the store, or URL of a server
  std::string served_name;   ///< what a server calls it; empty: the only one it has
  std::string api_key;       ///< of a server
  std::string key_variable;  ///< or the environment variable that holds it; default MAIE_LLM_KEY
  std::string key_file;      ///< or a file
  ComputeType compute_type = ComputeType::kAuto;
  int threads = 0;             ///< 0: one per core
  int64_t context = 0;         ///< tokens; 0: as the model has, within the memory
  uint64_t memory_budget = 0;  ///< bytes; 0: what this machine has free
  bool offline = false;
};

/// Opens a model of this machine through our engine, or a server.
Result<std::unique_ptr<llm::LanguageModel>> open_language_model(
    const LanguageModelChoice& choice, const CancelToken* cancel = nullptr);

/// Whether there is such a model, without opening it; a server is not asked.
Status check_language_model(const std::string& model);

}  // namespace maie::worker
