#include "config/load.h"
#include "config/toml_file.h"
#include "config/values.h"

namespace maie::config {
namespace {

std::string origin_of(const Loaded& loaded, std::string_view key) {
  const auto origin = loaded.origins.find(std::string(key));
  return origin == loaded.origins.end() ? "default" : origin->second;
}

Json shown_value(const Setting& setting, const Loaded& loaded, bool show_secrets) {
  return show_secrets ? value_of(setting, loaded.settings)
                      : masked_value_of(setting, loaded.settings);
}

// Comments end with their line: an origin may be the name of any file.
std::string one_line(std::string text) {
  for (char& c : text)
    if (uint8_t(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

bool is_empty(const Json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()) ||
         (value.is_array() && value.empty());
}

}  // namespace

Json describe(const Loaded& loaded, bool show_secrets) {
  Json all = Json::object();
  for (const Setting& setting : settings_table()) {
    const Json entry = {{"value", shown_value(setting, loaded, show_secrets)},
                        {"origin", origin_of(loaded, setting.key)}};
    const size_t dot = setting.key.find('.');
    if (dot == setting.key.npos) {
      all[std::string(setting.key)] = entry;
    } else {
      all[std::string(setting.key.substr(0, dot))][std::string(setting.key.substr(dot + 1))] =
          entry;
    }
  }
  return all;
}

std::string describe_toml(const Loaded& loaded, bool show_secrets) {
  constexpr size_t kOriginColumn = 44;
  std::string text, section;
  for (const Setting& setting : settings_table()) {
    const size_t dot = setting.key.find('.');
    const std::string_view own = setting.key.substr(0, dot == setting.key.npos ? 0 : dot);
    if (own != section) {
      section = own;
      text += "\n[" + section + "]\n";
    }
    const Json value = shown_value(setting, loaded, show_secrets);
    const bool masked = value != value_of(setting, loaded.settings);
    std::string line = masked || is_empty(value) ? "# " : "";
    line += std::string(setting.key.substr(own.empty() ? 0 : own.size() + 1)) + " = ";
    line += value.is_null() ? "" : to_toml(value);
    line.resize(std::max(line.size() + 2, kOriginColumn), ' ');
    text += line + "# " + one_line(origin_of(loaded, setting.key));
    if (is_empty(value) && !setting.unset.empty()) text += ": " + std::string(setting.unset);
    text += "\n";
  }
  return text;
}

}  // namespace maie::config
