#include <CLI/CLI.hpp>
#include <memory>

#include "cli/context.h"
#include "cli/document_arguments.h"
#include "cli/exit_code.h"
#include "cli/process_job.h"

namespace maie::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  maie process meeting.m4a --template meeting_notes_v2 -o out/    transcript, subtitles and summary
  maie process talks/ --template generic_summary_en_v2 --llm http://localhost:8000/v1 -o out/
  maie process memo.mp3 -o out/                                   no summary

Exit codes: 0 done; 2, 64 wrong options; 3 some recordings failed; 65 unusable recording or model;
66 not found; 69 the model's server is not to be reached; 71 out of memory; 73, 74 output not
written; 77 not permitted; 130, 143 stopped. When the summary failed the transcript is there.)";

int run(ProcessArguments& arguments, const Context& context) {
  if (const Status status = choose_defaults(arguments.recognition); !status.ok()) {
    context.console.error(to_string(status.code()), status.message());
    return exit_code_of(status.code());
  }
  arguments.llm.threads = arguments.recognition.engine.threads;
  summary::TemplateStore templates(summary::template_roots_of_process());
  return run_process(arguments, {context.load, context.load_language_model, templates},
                     context.console, context.cancel);
}

}  // namespace

void add_process_command(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("process", "Turn recordings into transcripts and summaries");
  const auto arguments = std::make_shared<ProcessArguments>();
  TranscribeArguments& recognition = arguments->recognition;
  add_recognition_options(*command, recognition);
  add_summary_options(*command, arguments->document, false);
  add_clean_option(*command, arguments->document);
  add_llm_options(*command, arguments->llm);
  add_format_option(*command, recognition.formats, kDocumentFormats,
                    "json, txt, srt, vtt, and md with a summary");
  add_destination_options(*command, recognition.output_folder, recognition.overwrite);
  add_subtitle_options(*command, recognition.subtitles);
  add_speech_options(*command, recognition.speech);
  add_tuning_options(*command, recognition.transcribe);
  command->footer(kFooter);
  command->callback([arguments, &context] {
    apply(arguments->recognition.speech, context.console);
    context.chosen = [arguments, &context] { return run(*arguments, context); };
  });
}

}  // namespace maie::cli
