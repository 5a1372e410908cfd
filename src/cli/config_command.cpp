#include <CLI/CLI.hpp>
#include <memory>

#include "cli/context.h"
#include "cli/exit_code.h"
#include "cli/json_result.h"
#include "cli/settings_arguments.h"

namespace maie::cli {
namespace {

struct Arguments {
  SettingsArguments settings;
  bool show_secrets = false;
  bool as_json = false;
};

int show(const Arguments& arguments, Console& console) {
  const Result<config::Loaded> loaded = load_settings(arguments.settings, console);
  if (!loaded.has_value()) {
    console.error("settings", loaded.error().message());
    return kExitConfig;
  }
  const bool secrets = arguments.show_secrets;
  const Status status =
      console.write(arguments.as_json ? to_text(config::describe(*loaded, secrets))
                                      : config::describe_toml(*loaded, secrets));
  if (status.ok() || console.output_closed()) return kExitOk;
  console.error(to_string(status.code()), status.message());
  return kExitIo;
}

}  // namespace

void add_config_command(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("config", "Show every setting of the service and where it comes from");
  const auto arguments = std::make_shared<Arguments>();
  add_settings_options(*command, arguments->settings);
  command->add_flag("--show-secrets", arguments->show_secrets, "Keys as they are, not masked");
  command->add_flag("--json", arguments->as_json, "As one JSON object instead of TOML");
  command->callback([arguments, &context] {
    context.chosen = [arguments, &context] { return show(*arguments, context.console); };
  });
}

}  // namespace maie::cli
