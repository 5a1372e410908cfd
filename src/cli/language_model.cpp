#include "cli/language_model.h"

#include <CLI/CLI.hpp>

#include "cli/model_search.h"

namespace maie::cli {

void add_llm_options(CLI::App& command, LlmArguments& arguments) {
  const std::string group = "Language model";
  command
      .add_option(
          "--llm", arguments.model,
          "Language model: a folder, a GGUF file, a name such as org/name (maie models), or "
          "the URL of a server [$MAIE_LLM, else models/mini/lm]")
      ->type_name("PATH|URL")
      ->group(group);
  command
      .add_option("--enhance-llm", arguments.enhance_model,
                  "Another one for cleaning text [the same]")
      ->type_name("PATH|URL")
      ->group(group);
  command
      .add_option("--llm-name", arguments.served_name,
                  "What the server calls its model [the only one it has]")
      ->type_name("NAME")
      ->group(group);
  CLI::Option* variable =
      command
          .add_option("--llm-key-env", arguments.key_variable,
                      "Environment variable that holds the server's key [MAIE_LLM_KEY]")
          ->type_name("NAME")
          ->group(group);
  command.add_option("--llm-key-file", arguments.key_file, "File that holds the server's key")
      ->type_name("FILE")
      ->excludes(variable)
      ->group(group);
  command
      .add_option_function<std::string>(
          "--llm-compute-type",
          [&arguments](const std::string& name) {
            arguments.compute_type = *parse_compute_type(name);
          },
          "Type a local model computes in [auto: as it is stored]")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16", "int8", "int4"}))
      ->group(group);
  command
      .add_option("--llm-context", arguments.context,
                  "Tokens of prompt and answer together; 0: as many as the model has and memory "
                  "allows [0]")
      ->type_name("N")
      ->check(CLI::Range(int64_t{0}, int64_t{16'777'216}))
      ->group(group);
  command.add_flag("--offline", arguments.offline, "Open no connection, whatever is asked for")
      ->group(group);
}

Result<llm::LanguageModel*> LanguageModels::opened(std::unique_ptr<llm::LanguageModel>& slot,
                                                   const std::string& model) {
  if (!slot) {
    MAIE_ASSIGN(slot, load_.load(model, arguments_));
  }
  return slot.get();
}

Result<std::string> LanguageModels::main_path() const {
  if (!arguments_.model.empty()) return arguments_.model;
  return default_language_model(model_folders_of_process());
}

bool LanguageModels::has_own_enhancer() const {
  return !arguments_.enhance_model.empty() && arguments_.enhance_model != arguments_.model;
}

Status LanguageModels::check() {
  MAIE_ASSIGN(const std::string main, main_path());
  MAIE_TRY(load_.check(main));
  return has_own_enhancer() ? load_.check(arguments_.enhance_model) : Status();
}

Status LanguageModels::open(bool for_enhancement, bool for_summary,
                            pipeline::DocumentModels& models) {
  if (for_enhancement && has_own_enhancer()) {
    MAIE_ASSIGN(models.enhance, opened(enhance_, arguments_.enhance_model));
  }
  if (for_summary || (for_enhancement && !has_own_enhancer())) {
    MAIE_ASSIGN(const std::string main, main_path());
    MAIE_ASSIGN(models.summary, opened(main_, main));
    if (!has_own_enhancer()) models.enhance = models.summary;
  }
  return {};
}

std::string LanguageModels::hash() const {
  llm::LanguageModel* model = main_ ? main_.get() : enhance_.get();
  return model != nullptr ? model->checkpoint_hash() : "";
}

}  // namespace maie::cli
