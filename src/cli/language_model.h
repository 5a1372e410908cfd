#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "llm/language_model.h"
#include "pipeline/document.h"
#include "tensor/dtype.h"

namespace CLI {
class App;
}

namespace maie::cli {

/// Which language model a command uses, and how: the options that begin with --llm.
struct LlmArguments {
  std::string model;          ///< folder, GGUF file, name in the store, or URL; empty: the default
  std::string enhance_model;  ///< another one for cleaning text; empty: the same
  std::string served_name;    ///< what a server calls its model; empty: the only one it has
  std::string key_variable;   ///< environment variable with the key of a server
  std::string key_file;       ///< or a file with it
  ComputeType compute_type = ComputeType::kAuto;
  int threads = 0;
  int64_t context = 0;  ///< tokens of prompt and answer; 0: as the model has, within memory
  bool offline = false;
};

/// Adds the --llm options to a command; parsing fills `arguments`, which must live as long.
void add_llm_options(CLI::App& command, LlmArguments& arguments);

/// How models are opened: the seam at which tests put one without weights.
struct LanguageModelLoader {
  /// Whether there is such a model, without opening it (a server is not asked).
  std::function<Status(const std::string& model)> check;
  /// Opens `model`, one of the two that the arguments name.
  std::function<Result<std::unique_ptr<llm::LanguageModel>>(const std::string& model,
                                                            const LlmArguments& arguments)>
      load;
};

/// The real one: models of this machine through our engine, and servers.
LanguageModelLoader language_model_loader();

/// The models of a command, opened when they are first asked for. One thread at a time.
class LanguageModels {
 public:
  LanguageModels(const LlmArguments& arguments, const LanguageModelLoader& load)
      : arguments_(arguments), load_(load) {}

  /// Finds out, without opening anything, whether the models exist.
  Status check();
  /// Fills in the models of the stages that are wanted.
  Status open(bool for_enhancement, bool for_summary, pipeline::DocumentModels& models);
  /// Checkpoint hash of the model that was asked last for summaries, else for cleaning.
  std::string hash() const;

 private:
  Result<llm::LanguageModel*> opened(std::unique_ptr<llm::LanguageModel>& slot,
                                     const std::string& model);
  Result<std::string> main_path() const;
  bool has_own_enhancer() const;
  const LlmArguments& arguments_;
  const LanguageModelLoader& load_;
  std::unique_ptr<llm::LanguageModel> main_, enhance_;
};

}  // namespace maie::cli
