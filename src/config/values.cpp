#include "config/values.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "config/forms.h"

namespace maie::config {
namespace {

constexpr size_t kLongestText = 4096;
constexpr size_t kMostItems = 1000;

bool is_plain(std::string_view text) {
  const auto is_control = [](char c) { return uint8_t(c) < 0x20 || c == 0x7f; };
  return text.size() <= kLongestText && std::none_of(text.begin(), text.end(), is_control) &&
         is_utf8(text);
}

std::optional<double> number_of(const Given& given) {
  double number = 0;
  if (given.is_text) {
    const std::string text(trimmed(given.value.get_ref<const std::string&>()));
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  } else if (given.value.is_number()) {
    number = given.value.get<double>();
  } else {
    return std::nullopt;
  }
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::optional<int64_t> whole_number_of(const Given& given) {
  if (!given.is_text) {
    return given.value.is_number_integer() ? std::optional(given.value.get<int64_t>())
                                           : std::nullopt;
  }
  const std::string_view text = trimmed(given.value.get_ref<const std::string&>());
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<bool> switch_of(const Given& given) {
  if (!given.is_text) {
    return given.value.is_boolean() ? std::optional(given.value.get<bool>()) : std::nullopt;
  }
  const std::string word = lower(trimmed(given.value.get_ref<const std::string&>()));
  for (const char* yes : {"true", "1", "yes", "on", "t", "y"})
    if (word == yes) return true;
  for (const char* no : {"false", "0", "no", "off", "f", "n"})
    if (word == no) return false;
  return std::nullopt;
}

// A text that the setting takes: one of its words, or of its form.
std::optional<std::string> text_of(const Setting& setting, const Json& value) {
  if (!value.is_string()) return std::nullopt;
  std::string text(trimmed(value.get_ref<const std::string&>()));
  if (!is_plain(text) || (setting.secret && text == kMask)) return std::nullopt;
  if (!setting.choices.empty()) {
    text = lower(text);
    const auto& words = setting.choices;
    if (std::find(words.begin(), words.end(), text) == words.end()) return std::nullopt;
  }
  if (setting.fits != nullptr && !setting.fits(text)) return std::nullopt;
  return text;
}

// A list of the file, a JSON list in a variable, or words between commas there.
std::optional<Json> list_of(const Given& given) {
  if (!given.is_text) return given.value.is_array() ? std::optional(given.value) : std::nullopt;
  std::string_view text = trimmed(given.value.get_ref<const std::string&>());
  if (text.starts_with('[')) {
    Result<Json> list = parse_json(text, {.depth = 4, .values = kMostItems + 2});
    return list.has_value() && list->is_array() ? std::optional(std::move(*list)) : std::nullopt;
  }
  Json list = Json::array();
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    if (!trimmed(item).empty()) list.push_back(trimmed(item));
  }
  return list;
}

// One overload for each type of field.
struct Assigner {
  const Setting& setting;
  const Given& given;

  bool operator()(Profile* field) const {
    const std::optional<std::string> word = text_of(setting, given.value);
    if (!word) return false;
    for (const Profile profile : {Profile::kDevelopment, Profile::kProduction, Profile::kEdge})
      if (to_string(profile) == *word) *field = profile;
    return true;
  }
  bool operator()(bool* field) const { return put(field, switch_of(given)); }
  bool operator()(int* field) const { return put_whole(field); }
  bool operator()(int64_t* field) const { return put_whole(field); }
  bool operator()(double* field) const { return put_number(field); }
  bool operator()(std::optional<double>* field) const { return put_number(field); }
  bool operator()(std::optional<int>* field) const {
    int number = 0;
    if (!put_whole(&number)) return false;
    *field = number;
    return true;
  }
  bool operator()(std::string* field) const { return put(field, text_of(setting, given.value)); }
  bool operator()(std::vector<std::string>* field) const {
    const std::optional<Json> list = list_of(given);
    if (!list || list->size() > kMostItems) return false;
    std::vector<std::string> items;
    for (const Json& value : *list) {
      const std::optional<std::string> item = text_of(setting, value);
      if (!item) return false;
      if (!item->empty()) items.push_back(*item);
    }
    *field = std::move(items);
    return true;
  }

  template <class T, class Value>
  static bool put(T* field, const std::optional<Value>& value) {
    if (value) *field = *value;
    return value.has_value();
  }
  template <class T>
  bool put_whole(T* field) const {
    const std::optional<int64_t> number = whole_number_of(given);
    if (!number || double(*number) < setting.least || double(*number) > setting.most) return false;
    *field = T(*number);
    return true;
  }
  template <class T>
  bool put_number(T* field) const {
    const std::optional<double> number = number_of(given);
    if (!number || *number < setting.least || *number > setting.most) return false;
    *field = *number;
    return true;
  }
};

Json number_json(double number) {
  if (number == std::floor(number) && std::abs(number) < 1e15) return int64_t(number);
  return number;
}

struct Reader {
  Json operator()(const Profile* field) const { return to_string(*field); }
  Json operator()(const double* field) const { return number_json(*field); }
  Json operator()(const std::optional<double>* field) const {
    return field->has_value() ? number_json(**field) : Json();
  }
  Json operator()(const std::optional<int>* field) const {
    return field->has_value() ? Json(**field) : Json();
  }
  template <class T>
  Json operator()(const T* field) const {
    return *field;
  }
};

std::string range_of(const Setting& setting) {
  return "from " + number_json(setting.least).dump() + " to " + number_json(setting.most).dump();
}

std::string kind_of(const Field& field) {
  if (std::holds_alternative<bool*>(field)) return "switch";
  if (std::holds_alternative<double*>(field) ||
      std::holds_alternative<std::optional<double>*>(field))
    return "number";
  if (std::holds_alternative<std::vector<std::string>*>(field)) return "list";
  if (std::holds_alternative<std::string*>(field) || std::holds_alternative<Profile*>(field))
    return "text";
  return "whole number";
}

}  // namespace

bool is_blank(const Given& given) {
  return given.value.is_string() && trimmed(given.value.get_ref<const std::string&>()).empty();
}

bool assign(const Setting& setting, const Given& given, Settings& settings) {
  return std::visit(Assigner{setting, given}, setting.field(settings));
}

std::string allowed(const Setting& setting) {
  Settings any;
  const std::string kind = kind_of(setting.field(any));
  if (kind == "switch") return "true or false";
  if (kind == "number" || kind == "whole number") return "a " + kind + " " + range_of(setting);
  std::string text;
  for (const std::string_view word : setting.choices)
    text += (text.empty() ? "one of " : ", ") + std::string(word);
  if (text.empty()) text = setting.form.empty() ? "text" : std::string(setting.form);
  return kind == "list" ? "a list, each " + text : text;
}

std::string refusal(const Setting& setting, const Given& given) {
  std::string sentence = given.origin + ": " + std::string(setting.key);
  if (setting.secret) {
    sentence += " has a value that it cannot have (not shown, it is a secret)";
  } else if (given.value.is_string()) {
    sentence += " is " + in_quotes(given.value.get_ref<const std::string&>());
  } else if (given.value.is_structured()) {
    sentence += given.value.is_array() ? " is a list" : " is a table";
  } else {
    sentence += " is " + (given.value.is_null() ? "a date" : given.value.dump());
  }
  return sentence + "; write " + allowed(setting);
}

Json value_of(const Setting& setting, const Settings& settings) {
  const Field field = setting.field(const_cast<Settings&>(settings));  // only read from
  return std::visit([](const auto* pointer) { return Reader()(pointer); }, field);
}

Json masked_value_of(const Setting& setting, const Settings& settings) {
  Json value = value_of(setting, settings);
  if (!setting.secret) return value;
  if (value.is_array()) {
    for (Json& item : value) item = kMask;
  } else if (value.is_string() && !value.get_ref<const std::string&>().empty()) {
    value = kMask;
  }
  return value;
}

std::string in_quotes(std::string_view text) {
  constexpr size_t kMostShown = 80;
  const bool cut = text.size() > kMostShown;
  std::string shown = Json(text.substr(0, kMostShown))
                          .dump(-1, ' ', true, Json::error_handler_t::replace);  // ASCII only
  return cut ? shown + "..." : shown;
}

}  // namespace maie::config
