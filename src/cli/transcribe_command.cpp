#include <CLI/CLI.hpp>
#include <memory>

#include "cli/context.h"
#include "cli/exit_code.h"
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

int run(TranscribeArguments& arguments, const Context& context) {
  if (const Status status = choose_defaults(arguments); !status.ok()) {
    context.console.error(to_string(status.code()), status.message());
    return exit_code_of(status.code());
  }
  return run_transcribe(arguments, context.load, context.console, context.cancel);
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
