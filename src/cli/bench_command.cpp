#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "cli/bench.h"
#include "cli/bench_llm.h"
#include "cli/context.h"
#include "cli/exit_code.h"
#include "cli/json_result.h"
#include "cli/model_search.h"
#include "store/find_model.h"

namespace maie::cli {
namespace {

struct Arguments {
  BenchOptions options;
  LlmBenchOptions llm;  // used when its model_path is given
  std::string compute_type = "auto";
  bool as_json = false;
};

Result<BenchReport> measure(Arguments& arguments, const CancelToken& cancel) {
  BenchOptions& options = arguments.options;
  options.compute_type = *parse_compute_type(arguments.compute_type);
  if (!arguments.llm.model_path.empty()) {
    arguments.llm.rows = options.rows;
    arguments.llm.compute_type = options.compute_type;
    arguments.llm.threads = options.threads;
    arguments.llm.runs = options.runs;
    return run_llm_bench(arguments.llm, cancel);
  }
  MAIE_ASSIGN(options.model_path, options.model_path.empty()
                                      ? default_model(model_folders_of_process())
                                      : store::find_model(options.model_path));
  return run_bench(options, cancel);
}

std::vector<std::string> all_row_names() {
  std::vector<std::string> names = bench_row_names();
  names.insert(names.end(), llm_bench_row_names().begin(), llm_bench_row_names().end());
  return names;
}

int run(Arguments arguments, Context& context) {
  const Result<BenchReport> report = measure(arguments, context.cancel);
  if (!report.has_value()) {
    context.console.error(to_string(report.error().code()), report.error().message());
    return exit_code_of(report.error().code());
  }
  const Status written =
      context.console.write(arguments.as_json ? to_text(to_json(*report)) : to_table(*report));
  return written.ok() || context.console.output_closed() ? kExitOk : kExitIo;
}

}  // namespace

void add_bench_command(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("bench", "Measure how near the engine comes to this machine's limits");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--model", arguments->options.model_path, "Model folder or ggml file");
  command->add_option("--llm", arguments->llm.model_path,
                      "Measure a language model instead: a folder or a GGUF file");
  command->add_option("--text", arguments->llm.copied_text_path,
                      "Text that the language model gives back, for the row enhance");
  command->add_option("--audio", arguments->options.audio_path, "Recording for the row e2e");
  command->add_option("--row", arguments->options.rows, "Measure only these rows")
      ->delimiter(',')
      ->check(CLI::IsMember(all_row_names()));
  command
      ->add_option("--compute-type", arguments->compute_type,
                   "float32, bfloat16, int8, int4 (language models) or auto")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16", "int8", "int4"}));
  command->add_option("--threads", arguments->options.threads, "0: one per core")
      ->check(CLI::Range(0, 1024));
  command->add_option("--runs", arguments->options.runs, "Measured runs of each row")
      ->check(CLI::Range(1, 1000));
  command->add_flag("--json", arguments->as_json, "The report as one JSON object");
  command->callback([arguments, &context] {
    context.chosen = [arguments, &context] { return run(*arguments, context); };
  });
}

}  // namespace maie::cli
