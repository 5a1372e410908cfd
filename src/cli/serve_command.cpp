#include <signal.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "base/commit.h"
#include "base/log.h"
#include "cli/context.h"
#include "cli/exit_code.h"
#include "cli/service_log.h"
#include "cli/settings_arguments.h"
#include "cli/stop_signals.h"
#include "cli/version.h"
#include "config/load.h"
#include "server/application.h"
#include "server/http/service_manager.h"

namespace maie::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  maie serve                                        port 8000, data in ~/.local/state/maie
  maie serve --port 8080 --data-dir /var/lib/maie --config /etc/maie/maie.toml
  maie serve --workers 0                            the API alone; maie worker elsewhere

Signals: SIGTERM, SIGINT end it after what runs (a second one at once); SIGHUP reads keys and log
level again; SIGUSR1 begins new log files.
Exit codes: 0 after SIGTERM; 2 wrong options; 69 the port is taken or the queue is in use; 73 the
data folder cannot be written; 78 wrong settings.)";

// What the handlers of signals may touch.
std::atomic<bool> g_reload{false};
std::atomic<bool> g_rotate{false};

void on_signal(int number) { (number == SIGHUP ? g_reload : g_rotate) = true; }

void listen_to(int number) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(number, &action, nullptr);
}

class ServeJob {
 public:
  ServeJob(const SettingsArguments& arguments, const Context& context)
      : arguments_(arguments), context_(context) {}

  int run() {
    // A stop takes as long as the work in hand, not the second that other commands have.
    StopSignals::be_patient();
    Result<config::Loaded> loaded = load_settings(arguments_, context_.console);
    if (!loaded.has_value()) return refuse(loaded.error(), kExitConfig);
    if (Status status = start_log(loaded->settings); !status.ok()) {
      return refuse(status, kExitCannotCreate);
    }
    listen_to(SIGHUP);
    listen_to(SIGUSR1);
    Result<std::unique_ptr<server::Application>> started =
        server::Application::start({loaded->settings, std::string(kVersion), std::string(kCommit),
                                    worker_command_line(arguments_)});
    if (!started.has_value()) return refuse(started.error(), exit_code(started.error().code()));
    application_ = std::move(*started);
    serve();
    return kExitOk;
  }

 private:
  static int exit_code(Code code) {
    switch (code) {
      case Code::kInvalidInput: return kExitConfig;
      case Code::kPermissionDenied: return kExitCannotCreate;
      default: return exit_code_of_service(code);
    }
  }

  int refuse(const Status& status, int code) const {
    context_.console.error(to_string(status.code()), status.message());
    return code;
  }

  void serve() {
    http::ServiceManager manager([this] { return application_->alive(); });
    log_info("listening on " + application_->url());
    manager.ready("listening on " + application_->url());
    while (!context_.cancel.is_cancelled()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (g_rotate.exchange(false)) {
        const Status rotated = rotate_log();
        if (!rotated.ok()) log_error("the log files were not begun anew: " + rotated.message());
      }
      if (g_reload.exchange(false)) {
        manager.reloading();
        reload();
        manager.ready("listening on " + application_->url());
      }
    }
    log_info("stopping: no new work is taken, what runs may end");
    manager.stopping();
    application_->stop();
    log_info("stopped");
  }

  void reload() {
    Result<config::Loaded> loaded = load_settings(arguments_, context_.console);
    Status status = loaded.status();
    if (status.ok()) status = application_->reload(loaded->settings);
    if (!status.ok()) {
      log_error("nothing was read again: " + status.message());
      return;
    }
    set_log_level(log_level_of(loaded->settings));
    log_info("keys and log level were read again");
  }

  const SettingsArguments& arguments_;
  const Context& context_;
  std::unique_ptr<server::Application> application_;
};

}  // namespace

void add_serve_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("serve", "Answer requests over HTTP and work on them");
  const auto arguments = std::make_shared<SettingsArguments>();
  add_settings_options(*command, *arguments);
  command->footer(kFooter);
  command->callback([arguments, &context] {
    context.chosen = [arguments, &context] { return ServeJob(*arguments, context).run(); };
  });
}

}  // namespace maie::cli
