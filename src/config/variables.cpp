#include "config/variables.h"

#include <algorithm>
#include <numeric>

#include "base/file.h"
#include "config/forms.h"

namespace maie::config {
namespace {

constexpr size_t kLongestFile = 64 << 10;

// Variables of other parts of the program that look like settings.
constexpr std::string_view kOthers[] = {"MAIE_MODELS__CACHE"};

// Fewest changes of single letters that turn one name into the other.
size_t letters_apart(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] != b[j])});
      diagonal = above;
    }
  }
  return row.back();
}

bool starts_with_section(std::string_view name) {
  return name.starts_with("MAIE_") && name.find("__") != name.npos;
}

// "api.prot" of "MAIE_API__PROT", to be compared with keys.
std::string key_of(std::string_view variable) {
  std::string key;
  variable.remove_prefix(5);
  for (size_t i = 0; i < variable.size(); ++i) {
    const bool level = variable.substr(i, 2) == "__";
    key += level ? '.' : variable[i];
    i += level;
  }
  return lower(key);
}

}  // namespace

std::string nearest_key(std::string_view name) {
  const std::string wanted = lower(name.substr(0, 100));
  const std::string_view last = std::string_view(wanted).substr(wanted.rfind('.') + 1);
  std::string_view best;
  size_t best_distance = 4;  // more letters apart than three is another word
  for (const Setting& setting : settings_table()) {
    // The right key in a wrong section is near as well.
    const bool moved = last.size() > 3 && setting.key.substr(setting.key.rfind('.') + 1) == last;
    const size_t distance = moved ? 2 : letters_apart(wanted, setting.key);
    if (distance < best_distance && distance * 2 < setting.key.size()) {
      best = setting.key;
      best_distance = distance;
    }
  }
  return best.empty() ? "" : "; did you mean " + std::string(best) + "?";
}

Variables::Variables(const SettingsSource& source) : source_(source) {
  for (const std::string& name : source.variables) spelt_.emplace(upper(name), name);
}

const char* Variables::raw(const std::string& name) const {
  if (!source_.environment) return nullptr;
  if (const char* value = source_.environment(name.c_str()); value != nullptr) return value;
  const auto other = spelt_.find(name);
  return other == spelt_.end() ? nullptr : source_.environment(other->second.c_str());
}

std::string Variables::text(std::string_view name) const {
  const char* value = raw(std::string(name));
  return value == nullptr || trimmed(value).empty() ? "" : value;
}

Result<std::optional<Given>> Variables::find(const Setting& setting,
                                             std::vector<std::string>& warnings) const {
  const auto given = [](std::string value, std::string origin) {
    return std::optional(Given{std::move(value), true, std::move(origin)});
  };
  const std::string own = variable_of(setting.key);
  if (std::string value = text(own); !value.empty()) return given(std::move(value), own);

  const std::string older = "APP_" + own.substr(5);
  for (const std::string& name : {own, older}) {
    const std::string path = text(name + "_FILE");
    if (path.empty()) continue;
    Result<std::string> content = read_file(path, kLongestFile);
    if (!content.has_value()) return invalid_input(name + "_FILE: " + content.error().message());
    const Given read{std::string(trimmed(*content)), true, name + "_FILE (" + path + ")"};
    if (is_blank(read)) warnings.push_back(read.origin + " is empty; it counts as not set");
    if (!is_blank(read)) return std::optional(read);
  }
  for (const OtherName& other : setting.also) {
    std::string value = text(other.name);
    if (!value.empty() && other.translate != nullptr) value = other.translate(value);
    if (!value.empty()) return given(std::move(value), std::string(other.name));
  }
  std::vector<OtherName> names = {{older, nullptr}};
  names.insert(names.end(), setting.older.begin(), setting.older.end());
  for (const OtherName& other : names) {
    std::string value = text(other.name);
    if (value.empty()) continue;
    if (other.translate != nullptr) value = other.translate(value);
    warnings.push_back(std::string(other.name) + " is an older name; write " + own + " instead");
    return given(std::move(value), std::string(other.name));
  }
  return std::optional<Given>();
}

std::vector<std::string> Variables::strangers() const {
  std::vector<std::string> sentences;
  for (const auto& [name, spelt] : spelt_) {
    if (!starts_with_section(name)) continue;
    if (std::find(std::begin(kOthers), std::end(kOthers), name) != std::end(kOthers)) continue;
    std::string key = key_of(name);
    if (key.ends_with("_file")) key.resize(key.size() - 5);
    if (find_setting(key) != nullptr || find_setting(key_of(name)) != nullptr) continue;
    sentences.push_back(spelt.substr(0, 100) + " is no setting" + nearest_key(key_of(name)));
  }
  for (const IgnoredName& ignored : ignored_names()) {
    if (text(ignored.name).empty()) continue;
    sentences.push_back(std::string(ignored.name) +
                        " is accepted and does nothing: " + std::string(ignored.reason));
  }
  return sentences;
}

}  // namespace maie::config
