#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "cli/arguments.h"
#include "cli/console.h"
#include "store/pull.h"
#include "store/settings.h"

namespace maie::cli {

/// The command lines of `maie models ...`; each command uses its part.
struct ModelsArguments {
  std::string id;
  store::PullOptions pull;  ///< choice, connections and recheck are set by options
  std::string mirror;       ///< base URL; empty: of the environment
  bool offline = false;     ///< besides what the environment says
  bool force = false;       ///< pull although it does not fit
  bool yes = false;         ///< remove without asking
  bool as_json = false;     ///< list as JSON
  int64_t context = 0;      ///< tokens the estimate of memory is for; 0: the usual number
  SpeechOfProgram speech;
};

/// Where a command does its work; values so that tests can pretend.
struct ModelsPlace {
  store::Settings settings;
  uint64_t free_bytes = 0;  ///< memory; 0: not known
  /// Asks the user; false for no, and where nobody can be asked.
  std::function<bool(const std::string& question)> ask{};
};

/// This process: its environment, its memory, its terminal.
Result<ModelsPlace> place_of_process();

/// Each returns the exit code. Results go to standard output, sentences to standard error.
int list_models(const ModelsArguments& arguments, const ModelsPlace& place, Console& console);
int pull_model(const ModelsArguments& arguments, ModelsPlace place, Console& console,
               const CancelToken& cancel);
int verify_models(const ModelsArguments& arguments, const ModelsPlace& place, Console& console,
                  const CancelToken& cancel);
int remove_model(const ModelsArguments& arguments, const ModelsPlace& place, Console& console);
int print_model_path(const ModelsArguments& arguments, const ModelsPlace& place, Console& console);

}  // namespace maie::cli
