#include <CLI/CLI.hpp>
#include <memory>

#include "cli/context.h"
#include "cli/doctor.h"
#include "cli/exit_code.h"
#include "cli/json_result.h"

namespace maie::cli {
namespace {

int run(bool as_json, Console& console) {
  const Findings findings = examine();
  const Status status = console.write(as_json ? to_text(to_json(findings)) : to_report(findings));
  if (!status.ok() && !console.output_closed()) {
    console.error("io_error", status.message());
    return kExitIo;
  }
  return reasons_against(findings).empty() ? kExitOk : kExitConfig;
}

}  // namespace

void add_doctor_command(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("doctor", "Show what this machine has and lacks for the work");
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "The findings as one JSON object");
  command->footer("Exit codes: 0 ready; 78 not ready, the report says why.");
  command->callback([as_json, &context] {
    context.chosen = [as_json, &context] { return run(*as_json, context.console); };
  });
}

}  // namespace maie::cli
