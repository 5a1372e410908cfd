#include "config/load.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "config/dotenv.h"
#include "config/forms.h"
#include "config/rules.h"
#include "config/toml_file.h"
#include "config/values.h"
#include "config/variables.h"

extern char** environ;

namespace maie::config {
namespace {

namespace fs = std::filesystem;

// Before the name of a variable that a file of variables sets.
const std::string kDotenv = ".env: ";

// One load: the places in the order of their precedence, what was found, what was wrong.
class Loader {
 public:
  explicit Loader(const SettingsSource& source)
      : source_(source),
        variables_(source),
        dotenv_source_(dotenv_source(source.dotenv_folder, profile_word(), loaded_.warnings)),
        dotenv_(dotenv_source_) {}

  Result<Loaded> run() {
    MAIE_TRY(read_file_values());
    check_flags();
    choose_profile();
    for (const Setting& setting : settings_table()) {
      if (setting.key != "profile") settle(setting);
    }
    inherit_older_server();
    stop_tracing();
    fill_in_folders();
    for (std::string& sentence : variables_.strangers())
      loaded_.warnings.push_back(std::move(sentence));
    for (const std::string& sentence : dotenv_.strangers())
      loaded_.warnings.push_back(kDotenv + sentence);
    if (wrong_.empty()) wrong_ = broken_rules(loaded_);
    if (!wrong_.empty()) return failure();
    return std::move(loaded_);
  }

 private:
  // ---- the file ---------------------------------------------------------------------------

  std::string first_file() const {
    if (!source_.file.empty()) return source_.file;
    if (std::string named = variables_.text("MAIE_CONFIG"); !named.empty()) return named;
    std::vector<std::string> places = {"maie.toml"};
    if (const std::string xdg = variables_.text("XDG_CONFIG_HOME"); !xdg.empty()) {
      places.push_back(xdg + "/maie/maie.toml");
    } else if (const std::string home = variables_.text("HOME"); !home.empty()) {
      places.push_back(home + "/.config/maie/maie.toml");
    }
    if (const std::string folder = first_of_list("CONFIGURATION_DIRECTORY"); !folder.empty())
      places.push_back(folder + "/maie.toml");
    places.push_back("/etc/maie/maie.toml");
    for (const std::string& place : places) {
      std::error_code error;
      if (fs::exists(place, error)) return place;
    }
    return {};
  }

  Status read_file_values() {
    loaded_.file = first_file();
    if (loaded_.file.empty()) return {};
    MAIE_ASSIGN(const std::string text, read_file(loaded_.file, kMostFileBytes));
    MAIE_ASSIGN(file_, parse_toml(text, loaded_.file));
    std::string unknown;  // the last unknown section; what is in it needs no sentence of its own
    for (const FileValue& value : file_) {
      if (!unknown.empty() && value.key.starts_with(unknown + ".")) continue;
      const std::string place = loaded_.file + ":" + std::to_string(value.line);
      const Setting* setting = find_setting(value.key);
      const bool section = is_section(value.key);
      if (setting != nullptr && value.is_section) {
        wrong_.push_back(place + ": " + value.key + " is a section; write " + allowed(*setting));
      } else if (section && !value.is_section) {
        wrong_.push_back(place + ": " + value.key + " is a section; write [" + value.key + "]");
      } else if (setting == nullptr && !section) {
        loaded_.warnings.push_back(place + ": " + in_quotes(value.key) + " is no setting" +
                                   nearest_key(value.key));
        if (value.is_section) unknown = value.key;
      }
    }
    return {};
  }

  static bool is_section(std::string_view name) {
    const auto& table = settings_table();
    return std::any_of(table.begin(), table.end(), [&](const Setting& setting) {
      return setting.key.substr(0, setting.key.find('.')) == name && setting.key != name;
    });
  }

  // ---- one setting ------------------------------------------------------------------------

  void check_flags() {
    for (const Flag& flag : source_.flags) {
      const std::string name = flag.name.empty() ? "--set" : flag.name;
      const Setting* setting = find_setting(flag.key);
      if (setting == nullptr) {
        wrong_.push_back(name + ": " + in_quotes(flag.key) + " is no setting" +
                         nearest_key(flag.key));
      } else if (setting->secret) {
        wrong_.push_back(name + ": " + flag.key +
                         " is a secret, and every user of this machine can read a command line; "
                         "write it to a file and name that in " +
                         variable_of(flag.key) + "_FILE");
      }
    }
  }

  std::optional<Given> flag_of(const Setting& setting) const {
    std::optional<Given> found;
    for (const Flag& flag : source_.flags) {
      if (flag.key != setting.key || setting.secret) continue;
      Given given{flag.value, true, flag.name.empty() ? "--set " + flag.key : flag.name};
      if (!is_blank(given)) found = std::move(given);
    }
    return found;
  }

  std::optional<Given> file_value_of(const Setting& setting) const {
    for (const FileValue& value : file_) {
      if (value.key != setting.key || value.is_section) continue;
      Given given{value.value, false, loaded_.file + ":" + std::to_string(value.line)};
      if (!is_blank(given)) return given;
    }
    return std::nullopt;
  }

  std::optional<Given> profile_value_of(const Setting& setting) const {
    const Profile profile = loaded_.settings.profile;
    const std::string_view text = setting.by_profile[size_t(profile)];
    if (text.empty()) return std::nullopt;
    return Given{std::string(text), true, "profile " + std::string(to_string(profile))};
  }

  std::optional<Given> given_for(const Setting& setting) {
    if (std::optional<Given> flag = flag_of(setting)) return flag;
    for (const Variables* variables : {&variables_, &dotenv_}) {
      Result<std::optional<Given>> variable = variables->find(setting, loaded_.warnings);
      if (!variable.has_value()) {
        wrong_.push_back(variable.error().message());
        return std::nullopt;
      }
      if (!*variable) continue;
      if (variables == &dotenv_) (*variable)->origin.insert(0, kDotenv);
      return std::move(*variable);
    }
    if (std::optional<Given> value = file_value_of(setting)) return value;
    return profile_value_of(setting);
  }

  void settle(const Setting& setting) {
    const std::optional<Given> given = given_for(setting);
    std::string& origin = loaded_.origins[std::string(setting.key)];
    origin = given ? given->origin : "default";
    if (given && !assign(setting, *given, loaded_.settings))
      wrong_.push_back(refusal(setting, *given));
  }

  // The names of the older service are read as it read them: "prod", and anything in ENVIRONMENT.
  void choose_profile() {
    const Setting& setting = *find_setting("profile");
    std::optional<Given> given = given_for(setting);
    loaded_.origins["profile"] = given ? given->origin : "default";
    if (!given) return;
    if (given->value.is_string()) {
      const std::string word = lower(trimmed(given->value.get<std::string>()));
      if (word == "dev") given->value = "development";
      if (word == "prod") given->value = "production";
    }
    if (assign(setting, *given, loaded_.settings)) return;
    if (given->origin == "ENVIRONMENT") {
      loaded_.warnings.push_back("ENVIRONMENT names no profile; development is taken");
    } else {
      wrong_.push_back(refusal(setting, *given));
    }
  }

  // ---- values that follow from others -----------------------------------------------------

  // The older service summed up with the server that cleans, where it had no other.
  void inherit_older_server() {
    LlmSettings& llm = loaded_.settings.llm;
    auto& origins = loaded_.origins;
    if (!origins["llm.enhance_model"].ends_with("APP_LLM_SERVER__ENHANCE_BASE_URL") ||
        !llm.model.empty())
      return;
    const auto inherit = [&](std::string& to, const std::string& from, const char* name) {
      if (!to.empty() || from.empty()) return;
      to = from;
      origins["llm." + std::string(name)] = origins["llm.enhance_" + std::string(name)];
    };
    inherit(llm.model, llm.enhance_model, "model");
    inherit(llm.served_name, llm.enhance_served_name, "served_name");
    inherit(llm.api_key, llm.enhance_api_key, "api_key");
  }

  void stop_tracing() {
    if (hub_switch(variables_.text("OTEL_SDK_DISABLED")).empty()) return;
    loaded_.settings.tracing.endpoint.clear();
    loaded_.origins["tracing.endpoint"] = "OTEL_SDK_DISABLED";
  }

  // Service managers may name several folders in one variable; the first is ours.
  std::string first_of_list(const char* variable) const {
    const std::string list = variables_.text(variable);
    return list.substr(0, list.find(':'));
  }

  void fill_in_folders() {
    PathSettings& paths = loaded_.settings.paths;
    if (paths.data_dir.empty()) paths.data_dir = default_data_dir();
    if (paths.audio_dir.empty()) paths.audio_dir = paths.data_dir + "/audio";
    if (paths.templates_dir.empty()) paths.templates_dir = paths.data_dir + "/templates";
    std::string& check_dir = loaded_.settings.cleanup.check_dir;
    if (check_dir.empty()) check_dir = paths.data_dir;
    std::string& logs = loaded_.settings.logging.dir;
    if (const std::string folder = first_of_list("LOGS_DIRECTORY");
        logs.empty() && !folder.empty()) {
      logs = folder;
      loaded_.origins["logging.dir"] = "LOGS_DIRECTORY";
    }
  }

  std::string default_data_dir() {
    std::string& origin = loaded_.origins["paths.data_dir"];
    if (const std::string folder = first_of_list("STATE_DIRECTORY"); !folder.empty()) {
      origin = "STATE_DIRECTORY";
      return folder;
    }
    if (const std::string state = variables_.text("XDG_STATE_HOME"); !state.empty()) {
      origin = "XDG_STATE_HOME";
      return state + "/maie";
    }
    const std::string home = variables_.text("HOME");
    return home.empty() ? "/var/lib/maie" : home + "/.local/state/maie";
  }

  Status failure() const {
    std::string message = wrong_.front();
    if (wrong_.size() > 1) {
      const size_t more = wrong_.size() - 1;
      message += " (and " + std::to_string(more) + " more: " + wrong_[1];
      message += more > 1 ? "; ...)" : ")";
    }
    return invalid_input(message);
  }

  // Which of the files .env.<profile> is read.
  std::string profile_word() const {
    const std::string word = variables_.text("ENVIRONMENT");
    return word.empty() ? variables_.text("MAIE_PROFILE") : word;
  }

  Loaded loaded_;
  const SettingsSource& source_;
  const Variables variables_;
  const SettingsSource dotenv_source_;
  const Variables dotenv_;
  std::vector<FileValue> file_;
  std::vector<std::string> wrong_;
};

}  // namespace

std::string_view to_string(Profile profile) {
  switch (profile) {
    case Profile::kDevelopment: return "development";
    case Profile::kProduction: return "production";
    case Profile::kEdge: return "edge";
  }
  return "development";
}

Result<Loaded> load_settings(const SettingsSource& source) { return Loader(source).run(); }

SettingsSource source_of_process() {
  SettingsSource source;
  source.dotenv_folder = ".";
  source.environment = [](const char* name) { return std::getenv(name); };
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view line = *entry;
    source.variables.emplace_back(line.substr(0, line.find('=')));
  }
  return source;
}

}  // namespace maie::config
