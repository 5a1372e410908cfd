#pragma once

#include <functional>

#include "base/cancel.h"
#include "cli/console.h"
#include "cli/language_model.h"
#include "cli/recogniser.h"

namespace CLI {
class App;
}

namespace maie::cli {

/// What a sub-command has to work with. A command is one function
///
///   void add_<name>_command(CLI::App& app, Context& context);
///
/// that adds its sub-command and options to `app` and, from the sub-command's callback, leaves what
/// is to be done in `context.chosen`. It is called once, before the command line is parsed; app.cpp
/// lists all of them. `context` outlives the parsing and the run.
struct Context {
  Console& console;
  CancelToken& cancel;                        ///< cancelled by SIGINT and SIGTERM
  RecogniserLoader load;                      ///< how commands get their recogniser
  LanguageModelLoader load_language_model{};  ///< and their language model
  std::function<int()> chosen{};              ///< the chosen command; returns the exit code
};

void add_process_command(CLI::App& app, Context& context);
void add_transcribe_command(CLI::App& app, Context& context);
void add_models_command(CLI::App& app, Context& context);
void add_enhance_command(CLI::App& app, Context& context);
void add_summarize_command(CLI::App& app, Context& context);
void add_templates_command(CLI::App& app, Context& context);
void add_status_command(CLI::App& app, Context& context);
void add_config_command(CLI::App& app, Context& context);
void add_doctor_command(CLI::App& app, Context& context);
void add_bench_command(CLI::App& app, Context& context);
void add_serve_command(CLI::App& app, Context& context);
void add_worker_command(CLI::App& app, Context& context);
void add_completions_command(CLI::App& app, Context& context);

}  // namespace maie::cli
