// Any bytes as a settings file and as a variable: refused with a short sentence, or loaded into
// values that survive being shown and loaded again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/load.h"
#include "config/settings_table.h"
#include "config/toml_file.h"
#include "config/values.h"

namespace {

using namespace maie::config;

void check(bool holds) {
  if (!holds) std::abort();
}

maie::Json values_of(const Settings& settings) {
  maie::Json values;
  for (const Setting& setting : settings_table())
    values[std::string(setting.key)] = value_of(setting, settings);
  return values;
}

// Every value of the file that has a setting, and the setting's value as text.
Settings settings_of(const std::vector<FileValue>& values) {
  Settings settings;
  for (const FileValue& value : values) {
    const Setting* setting = find_setting(value.key);
    if (setting == nullptr) continue;
    const Given given{value.value, false, "fuzz"};
    if (!is_blank(given) && !assign(*setting, given, settings))
      check(refusal(*setting, given).size() < 2000);
  }
  return settings;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const Setting& setting : settings_table()) {
    Settings settings;
    const Given given{text, true, "fuzz"};
    if (!assign(setting, given, settings)) check(refusal(setting, given).size() < 2000);
  }
  const auto values = parse_toml(text, "fuzz");
  if (!values.has_value()) {
    check(values.error().message().size() < 2000);
    return 0;
  }
  Loaded loaded;
  loaded.settings = settings_of(*values);
  const auto again = parse_toml(describe_toml(loaded, true), "again");
  check(again.has_value());
  check(values_of(settings_of(*again)) == values_of(loaded.settings));
  return 0;
}
