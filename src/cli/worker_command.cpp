#include <CLI/CLI.hpp>
#include <memory>

#include "cli/context.h"
#include "cli/exit_code.h"
#include "cli/service_log.h"
#include "cli/settings_arguments.h"
#include "cli/stop_signals.h"
#include "queue/sqlite_queue.h"
#include "worker/worker.h"

namespace maie::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  maie worker --data-dir /var/lib/maie              beside "maie serve --workers 0"
  maie worker --set worker.concurrency=2 --set memory.budget=6GiB

"maie serve" starts its own workers; this command is for those that shall run apart, on the same
machine and data folder. SIGTERM and SIGINT let what runs end, within worker.grace_s; a second one
ends the worker at once, its tasks are then offered again.
Exit codes: 0 stopped; 2 wrong options; 69 the queue is not to be reached; 75 a task hung; 78 wrong
settings.)";

int refuse(const Context& context, const Status& status, int code) {
  context.console.error(to_string(status.code()), status.message());
  return code;
}

int run(const SettingsArguments& arguments, const Context& context) {
  // A stop takes as long as the work in hand, not the second that other commands have.
  StopSignals::be_patient();
  const worker::Lifeline lifeline(context.cancel);
  const Result<config::Loaded> loaded = load_settings(arguments, context.console);
  if (!loaded.has_value()) return refuse(context, loaded.error(), kExitConfig);
  const config::Settings& settings = loaded->settings;
  if (Status status = start_log(settings, "worker-" + std::to_string(worker::Lifeline::number()));
      !status.ok()) {
    return refuse(context, status, kExitCannotCreate);
  }
  const auto queue = queue::open_sqlite_queue({.folder = settings.paths.data_dir});
  if (!queue.has_value())
    return refuse(context, queue.error(), exit_code_of_service(queue.error().code()));
  const Status status = worker::run_worker(settings, **queue, context.cancel);
  return status.ok() ? int(kExitOk) : refuse(context, status, exit_code_of_service(status.code()));
}

}  // namespace

void add_worker_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("worker", "Work on the tasks of a server's queue");
  const auto arguments = std::make_shared<SettingsArguments>();
  add_settings_options(*command, *arguments);
  command->footer(kFooter);
  command->callback([arguments, &context] {
    context.chosen = [arguments, &context] { return run(*arguments, context); };
  });
}

}  // namespace maie::cli
