// `maie summarize` and `maie enhance`: the language model's half of `maie process`, on texts.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/context.h"
#include "cli/document_arguments.h"
#include "cli/text_job.h"

namespace maie::cli {
namespace {

constexpr const char* kSummarizeFooter = R"(Examples:
  maie summarize notes.txt --template generic_summary_en_v2
  maie summarize talk.json --template meeting_notes_v2 -f md        a result of maie transcribe
  cat notes.txt | maie summarize - --template generic_summary_v2 --llm qwen3-4b-q4_k_m.gguf

Exit codes: as maie process.)";

constexpr const char* kEnhanceFooter = R"(Examples:
  maie enhance raw.txt
  maie enhance talks/*.txt -o clean/

Exit codes: as maie process.)";

void add_texts(CLI::App& command, TextArguments& arguments) {
  command
      .add_option("input", arguments.inputs,
                  "Text files, JSON results of maie transcribe or maie process, or - for standard "
                  "input")
      ->required()
      ->type_name("FILE")
      ->option_text("FILE...");
}

void add_rest(CLI::App& command, const std::shared_ptr<TextArguments>& arguments,
              Context& context) {
  command.add_option("--threads", arguments->llm.threads, "Threads to use; 0: one per core [0]")
      ->type_name("N")
      ->check(CLI::Range(0, 1024))
      ->group("Language model");
  command
      .add_option("-o,--output-dir", arguments->output_folder,
                  "Directory of the files; -: one format to standard output [-]")
      ->type_name("DIR")
      ->group("Output");
  command.add_flag("--overwrite", arguments->overwrite, "Replace files that exist")
      ->group("Output");
  add_speech_options(command, arguments->speech);
  command.callback([arguments, &context] {
    apply(arguments->speech, context.console);
    context.chosen = [arguments, &context] {
      summary::TemplateStore templates(summary::template_roots_of_process());
      return run_text(*arguments, {context.load, context.load_language_model, templates},
                      context.console, context.cancel);
    };
  });
}

}  // namespace

void add_summarize_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("summarize", "Sum up texts by a template");
  const auto arguments = std::make_shared<TextArguments>();
  arguments->document.clean = pipeline::CleanText::kNever;
  add_texts(*command, *arguments);
  add_summary_options(*command, arguments->document, true);
  add_llm_options(*command, arguments->llm);
  add_format_option(*command, arguments->formats, kSummaryFormats, "json");
  command->footer(kSummarizeFooter);
  add_rest(*command, arguments, context);
}

void add_enhance_command(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("enhance", "Give raw texts their case and punctuation back");
  const auto arguments = std::make_shared<TextArguments>();
  arguments->document.clean = pipeline::CleanText::kAlways;
  add_texts(*command, *arguments);
  add_llm_options(*command, arguments->llm);
  add_format_option(*command, arguments->formats, kEnhanceFormats, "txt");
  command->footer(kEnhanceFooter);
  add_rest(*command, arguments, context);
}

}  // namespace maie::cli
