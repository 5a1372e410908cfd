#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "cli/context.h"
#include "cli/exit_code.h"
#include "cli/model_search.h"
#include "cli/transcribe_job.h"

namespace maie::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  maie transcribe talk.mp3                          text to standard output
  maie transcribe talk.mp3 *.m4a -f srt,json        talk.srt, talk.json, ... in this directory
  maie transcribe recordings/ -f txt -o texts/      every recording of a directory
  cat talk.wav | maie transcribe - -f vtt           from a pipe to a pipe

Exit codes: 0 done; 2, 64 wrong options; 3 some recordings failed; 65 unusable recording or model;
66 not found; 71 out of memory; 73, 74 output not written; 77 not permitted; 130, 143 stopped.)";

// The thread count people already set for such programs, when --threads was not given.
int threads_of_environment() {
  const char* text = std::getenv("OMP_NUM_THREADS");
  int count = 0;
  if (text == nullptr) return 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), count);
  // OpenMP allows a list, one number per nesting level; we have one level.
  const bool whole = error == std::errc() && (*end == '\0' || *end == ',');
  return whole && count >= 1 && count <= 1024 ? count : 0;
}

int run(TranscribeArguments& arguments, const Context& context) {
  Console& console = context.console;
  if (arguments.engine.threads == 0) arguments.engine.threads = threads_of_environment();
  if (arguments.engine.model_path.empty()) {
    const Result<std::string> model = default_model(model_folders_of_process());
    if (!model.has_value()) {
      console.error(to_string(model.error().code()), model.error().message());
      return exit_code_of(model.error().code());
    }
    arguments.engine.model_path = *model;
  }
  return run_transcribe(arguments, context.load, console, context.cancel);
}

}  // namespace

void add_transcribe_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("transcribe", "Write down what is said in recordings");
  const auto arguments = std::make_shared<TranscribeArguments>();
  add_transcribe_options(*command, *arguments);
  command->footer(kFooter);
  command->callback([arguments, &context] {
    apply(arguments->speech, context.console);
    context.chosen = [arguments, &context] { return run(*arguments, context); };
  });
}

}  // namespace maie::cli
