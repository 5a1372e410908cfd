#include "cli/settings_arguments.h"

#include <CLI/CLI.hpp>

#include "config/settings_table.h"

namespace maie::cli {
namespace {

constexpr const char* kGroup = "Settings";

std::string type_name_of(const config::Setting& setting) {
  if (!setting.choices.empty()) {
    std::string words;
    for (const std::string_view word : setting.choices)
      words += (words.empty() ? "{" : ",") + std::string(word);
    return words + "}";
  }
  if (setting.key == "paths.data_dir") return "DIR";
  return setting.most > 0 ? "N" : "TEXT";
}

void add_short_form(CLI::App& command, const config::Setting& setting,
                    SettingsArguments& arguments) {
  const std::string key(setting.key), flag(setting.flag);
  command
      .add_option_function<std::string>((key == "profile" ? "-e," : "") + flag,
                                        [&arguments, key, flag](const std::string& value) {
                                          arguments.flags.push_back({key, value, flag});
                                        },
                                        std::string(setting.what))
      ->type_name(type_name_of(setting))
      ->group(kGroup);
}

void take_assignment(const std::string& text, SettingsArguments& arguments) {
  const size_t equals = text.find('=');
  if (equals == text.npos || equals == 0)
    throw CLI::ValidationError("--set", "wants section.key=value");
  arguments.flags.push_back({text.substr(0, equals), text.substr(equals + 1), ""});
}

}  // namespace

void add_settings_options(CLI::App& command, SettingsArguments& arguments) {
  command
      .add_option("-c,--config", arguments.file,
                  "Settings file [$MAIE_CONFIG, maie.toml here, of the user, of the system]")
      ->type_name("FILE")
      ->group(kGroup);
  for (const config::Setting& setting : config::settings_table())
    if (!setting.flag.empty()) add_short_form(command, setting, arguments);
  command
      .add_option_function<std::vector<std::string>>(
          "--set",
          [&arguments](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) take_assignment(text, arguments);
          },
          "Any other setting, as section.key=value; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->group(kGroup);
}

Result<config::Loaded> load_settings(const SettingsArguments& arguments, Console& console) {
  config::SettingsSource source = config::source_of_process();
  source.file = arguments.file;
  source.flags = arguments.flags;
  Result<config::Loaded> loaded = config::load_settings(source);
  if (loaded.has_value()) {
    for (const std::string& warning : loaded->warnings) console.warning("settings", warning);
  }
  return loaded;
}

std::vector<std::string> worker_command_line(const SettingsArguments& arguments) {
  std::vector<std::string> line = {"worker"};
  if (!arguments.file.empty()) line.insert(line.end(), {"--config", arguments.file});
  for (const config::Flag& flag : arguments.flags)
    line.insert(line.end(), {"--set", flag.key + "=" + flag.value});
  return line;
}

}  // namespace maie::cli
