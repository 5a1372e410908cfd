#include "cli/document_arguments.h"

#include <CLI/CLI.hpp>

namespace maie::cli {
namespace {
constexpr const char* kGroup = "Clean text and summary";
}

void add_summary_options(CLI::App& command, pipeline::DocumentOptions& options, bool required) {
  summary::SummaryOptions& summary = options.summary;
  CLI::Option* shape = command.add_option("-t,--template", summary.template_id,
                                          "Template of the summary (maie templates lists them)");
  shape->type_name("ID")->group(kGroup);
  if (required) shape->required();
  command
      .add_option_function<double>(
          "--summary-temperature",
          [&summary](double value) { summary.sampling.temperature = value; },
          "Chance in choosing words; 0: always the likeliest [the model's own, else 0.5]")
      ->type_name("T")
      ->check(CLI::Range(0.0, 2.0))
      ->group(kGroup);
  command
      .add_option("--summary-tokens", summary.max_tokens,
                  "Tokens a summary may have; 0: by the length of the transcript [0]")
      ->type_name("N")
      ->check(CLI::Range(int64_t{0}, int64_t{1'000'000}))
      ->group(kGroup);
  command
      .add_option_function<uint64_t>(
          "--llm-seed",
          [&options](uint64_t seed) {
            options.summary.sampling.seed = seed;
            options.enhance.sampling.seed = seed;
          },
          "Seed of the chance [0]")
      ->type_name("N")
      ->group(kGroup);
  command
      .add_option("--stall-limit", options.stall_limit_s,
                  "Seconds without any sign of the model after which it is given up [300]")
      ->type_name("SECONDS")
      ->check(CLI::Range(1.0, 86400.0))
      ->group(kGroup);
}

void add_clean_option(CLI::App& command, pipeline::DocumentOptions& options) {
  command
      .add_option_function<std::string>(
          "--clean",
          [&options](const std::string& name) {
            options.clean = name == "always"  ? pipeline::CleanText::kAlways
                            : name == "never" ? pipeline::CleanText::kNever
                                              : pipeline::CleanText::kAuto;
          },
          "Let the language model give the transcript case and punctuation; auto: where the "
          "recogniser has not [auto]")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->group(kGroup);
}

}  // namespace maie::cli
