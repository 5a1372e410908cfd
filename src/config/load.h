#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "config/settings.h"

namespace maie::config {

/// nullptr for a variable that is not set, as getenv.
using Environment = std::function<const char*(const char*)>;

/// Where a value came from: "default", "profile production", "/etc/maie/maie.toml:12",
/// "MAIE_API__PORT", "APP_API__PORT", ".env: APP_API__PORT", "--port".
using Origins = std::map<std::string, std::string>;

/// One setting of the command line.
struct Flag {
  std::string key, value;  ///< "api.port", "8080"
  std::string name = {};   ///< how it was written: "--port"; empty: --set api.port
};

struct SettingsSource {
  std::string file;  ///< --config; empty: MAIE_CONFIG, ./maie.toml,
                     ///< $XDG_CONFIG_HOME/maie/maie.toml, $CONFIGURATION_DIRECTORY/maie.toml,
                     ///< /etc/maie/maie.toml, the first that exists; none is fine
  Environment environment;
  std::vector<std::string> variables;  ///< names of all variables set, to find misspelt MAIE_ ones
  std::vector<Flag> flags;             ///< they win; the last of several
  std::string dotenv_folder = {};      ///< holds .env.<profile> and .env; empty: not read
};

struct Loaded {
  Settings settings;
  Origins origins;                    ///< by "section.key"
  std::vector<std::string> warnings;  ///< older names, unknown keys
  std::string file;                   ///< that was read; empty: none
};

/// flags > environment (MAIE_SECTION__KEY, MAIE_SECTION__KEY_FILE, then the older APP_ names) >
/// the same names in .env.<profile>, then in .env > file > profile > defaults; then the rules that
/// span several values (a production key). Blank means default. kInvalidInput names the value, its
/// key and where it stands: file and line, or variable.
Result<Loaded> load_settings(const SettingsSource& source);

/// The environment and the variables of this process.
SettingsSource source_of_process();

/// {"api": {"port": {"value": 8000, "origin": "default"}, ...}, ...}; secrets as "********" unless
/// asked for.
Json describe(const Loaded& loaded, bool show_secrets);

/// The same as a TOML document with the origins as comments, which load_settings reads again. What
/// has no value, and secrets that are not shown, stand in comments.
std::string describe_toml(const Loaded& loaded, bool show_secrets);

}  // namespace maie::config
