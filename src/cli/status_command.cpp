#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>

#include "base/file.h"
#include "cli/context.h"
#include "cli/exit_code.h"
#include "cli/json_result.h"
#include "cli/settings_arguments.h"
#include "cli/status_sources.h"
#include "net/url.h"

namespace maie::cli {
namespace {

constexpr size_t kMostKeyBytes = 4096;

struct Arguments {
  SettingsArguments settings;
  std::string task, url, key_file;
  bool local = false;
  bool as_json = false;
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// "http://host:8000/v1/" is what clients of the OpenAI API call the base.
std::string without_version(std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  constexpr std::string_view kVersion = "/v1";
  if (url.size() > kVersion.size() && url.compare(url.size() - 3, 3, kVersion) == 0)
    url.resize(url.size() - 3);
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url;
}

std::string first_line(const std::string& text) {
  const size_t end = text.find_last_not_of(" \t\r\n", text.find('\n'));
  return end == text.npos ? "" : text.substr(0, end + 1);
}

// --key-file, MAIE_API_KEY; for a server of this machine also the key of its settings, or the one
// that it made.
Result<std::string> key_for(const Arguments& arguments, const config::Settings& settings,
                            const std::string& url) {
  if (!arguments.key_file.empty()) {
    MAIE_ASSIGN(const std::string text, read_file(arguments.key_file, kMostKeyBytes));
    return first_line(text);
  }
  if (const std::string key = variable("MAIE_API_KEY"); !key.empty()) return key;
  const Result<net::Url> parsed = net::parse_url(url);
  if (!parsed.has_value()) return parsed.error().within("--url");
  if (!parsed->is_this_machine()) return std::string();
  if (!settings.api.secret_key.empty()) return settings.api.secret_key;
  const Result<std::string> made = read_file(settings.paths.data_dir + "/api.key", kMostKeyBytes);
  return made.has_value() ? first_line(*made) : std::string();
}

Result<ServerAddress> address_of(const Arguments& arguments, const config::Settings& settings) {
  std::string url = arguments.url.empty() ? variable("MAIE_BASE_URL") : arguments.url;
  if (url.empty() && !settings.api.unix_socket.empty()) {
    return unsupported(
        "the service listens on a unix socket, which this command cannot ask; "
        "use --local");
  }
  if (url.empty()) url = "http://127.0.0.1:" + std::to_string(settings.api.port);
  ServerAddress server{without_version(url), ""};
  MAIE_ASSIGN(server.key, key_for(arguments, settings, server.url));
  return server;
}

// Ids are UUIDs; anything else would be another path of the server.
bool can_be_id(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-';
  });
}

// --local, or a data folder and no server named.
bool asks_locally(const Arguments& arguments) {
  const std::vector<config::Flag>& flags = arguments.settings.flags;
  const bool names_folder = std::any_of(flags.begin(), flags.end(), [](const config::Flag& flag) {
    return flag.key == "paths.data_dir";
  });
  return arguments.local || (names_folder && arguments.url.empty());
}

// What was asked for, as a table or as JSON.
Result<std::string> answer(const Arguments& arguments, const config::Settings& settings,
                           const CancelToken& cancel) {
  const auto shown = [&](const auto& status) {
    return arguments.as_json ? to_text(to_json(status)) : to_table(status);
  };
  const std::string& id = arguments.task;
  if (!can_be_id(id)) return not_found("Task " + id + " not found");
  if (asks_locally(arguments)) {
    if (id.empty()) {
      MAIE_ASSIGN(const ServiceStatus status, local_service_status(settings));
      return shown(status);
    }
    MAIE_ASSIGN(const TaskStatus task, local_task_status(settings, id));
    return shown(task);
  }
  MAIE_ASSIGN(const ServerAddress server, address_of(arguments, settings));
  if (id.empty()) {
    MAIE_ASSIGN(const ServiceStatus status, service_status_of(server, cancel));
    return shown(status);
  }
  MAIE_ASSIGN(const TaskStatus task, task_status_of(server, id, cancel));
  return shown(task);
}

int run(const Arguments& arguments, Context& context) {
  Console& console = context.console;
  const Result<config::Loaded> loaded = load_settings(arguments.settings, console);
  if (!loaded.has_value()) {
    console.error("settings", loaded.error().message());
    return kExitConfig;
  }
  const Result<std::string> text = answer(arguments, loaded->settings, context.cancel);
  if (!text.has_value()) {
    const Code code = text.error().code();
    console.error(to_string(code), text.error().message());
    return code == Code::kResourceExhausted ? int(kExitTryLater) : exit_code_of_service(code);
  }
  const Status written = console.write(*text);
  if (written.ok() || console.output_closed()) return kExitOk;
  console.error(to_string(written.code()), written.message());
  return kExitIo;
}

}  // namespace

void add_status_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("status", "How a service is doing, or one of its tasks");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("task", arguments->task, "Id of a task; without: the whole service")
      ->type_name("TASK");
  command
      ->add_option("--url", arguments->url,
                   "The server to ask; default MAIE_BASE_URL, else the port of the settings on "
                   "this machine")
      ->type_name("URL");
  command
      ->add_option("--key-file", arguments->key_file,
                   "File with the API key; default MAIE_API_KEY, else the key of this machine's "
                   "service")
      ->type_name("FILE");
  command->add_flag(
      "--local", arguments->local,
      "Ask the queue in the data folder instead of a server; --data-dir means it too");
  add_settings_options(*command, arguments->settings);
  command->add_flag("--json", arguments->as_json, "As one JSON object");
  command->callback([arguments, &context] {
    context.chosen = [arguments, &context] { return run(*arguments, context); };
  });
}

}  // namespace maie::cli
