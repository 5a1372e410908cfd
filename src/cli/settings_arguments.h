#pragma once

#include <string>
#include <vector>

#include "cli/console.h"
#include "config/load.h"

namespace CLI {
class App;
}

namespace maie::cli {

/// The settings that a command line names; what it does not, the environment, the file and the
/// profile do (docs/configuration.md).
struct SettingsArguments {
  std::string file;                 ///< --config; empty: searched for
  std::vector<config::Flag> flags;  ///< in the order they came
};

/// Adds --config, --set and the short forms that the table of settings has: -e/--profile, --host,
/// --port, --data-dir, --workers.
void add_settings_options(CLI::App& command, SettingsArguments& arguments);

/// Loads the settings of this process and these arguments; warnings go to the console. A failure
/// ends a command with kExitConfig.
Result<config::Loaded> load_settings(const SettingsArguments& arguments, Console& console);

/// The command line of a worker process with the same settings: {"worker", "--config", "x", ...}.
std::vector<std::string> worker_command_line(const SettingsArguments& arguments);

}  // namespace maie::cli
