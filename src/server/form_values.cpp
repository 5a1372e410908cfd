#include "server/form_values.h"

#include <charconv>
#include <cmath>

#include "base/ascii.h"
#include "text/utf8.h"

namespace maie::server {
namespace {

// A list in one field: what longer ones would be for, nobody knows.
constexpr JsonLimits kListLimits = {.depth = 8, .values = 10'000, .members = 1000};
constexpr size_t kLongestShown = 80;

// A number as people read it: without a fraction where there is none.
std::string shown(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return std::to_string(int64_t(value));
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

std::string in_quotes(std::string_view value) {
  std::string text = text::repair_utf8(value.substr(0, kLongestShown));
  return "\"" + text + (value.size() > kLongestShown ? "...\"" : "\"");
}

std::optional<std::vector<std::string>> strings_of(std::string_view json_text) {
  const Result<Json> json = parse_json(json_text, kListLimits);
  if (!json.has_value() || !json->is_array()) return std::nullopt;
  std::vector<std::string> strings;
  for (const Json& item : *json) {
    if (!item.is_string()) return std::nullopt;
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

}  // namespace

ApiError invalid_value(std::string param, std::string message) {
  return {.status = 400,
          .code = "INVALID_VALUE",
          .message = std::move(message),
          .param = std::move(param)};
}

ApiError unsupported_value(std::string param, std::string message) {
  return {.status = 400,
          .code = "UNSUPPORTED_VALUE",
          .message = std::move(message),
          .param = std::move(param)};
}

ApiError missing_field(std::string param) {
  std::string message = "the field \"" + param + "\" is missing";
  return {.status = 400,
          .code = "MISSING_FIELD",
          .message = std::move(message),
          .param = std::move(param)};
}

std::optional<bool> flag_of(std::string_view text) {
  const std::string word = lower(text);
  for (const char* yes : {"true", "1", "yes", "on", "t", "y"}) {
    if (word == yes) return true;
  }
  for (const char* no : {"false", "0", "no", "off", "f", "n"}) {
    if (word == no) return false;
  }
  return std::nullopt;
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<int64_t> integer_of(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool FormValues::has(std::string_view name) const {
  for (const std::string_view value : form_.all(name)) {
    if (!value.empty()) return true;
  }
  return false;
}

std::optional<std::string_view> FormValues::last(std::string_view name) const {
  std::optional<std::string_view> found;
  for (const auto& [field, value] : form_.fields) {
    if (field == name && !value.empty()) found = value;
  }
  return found;
}

void FormValues::refuse(ApiError error) {
  if (!error_) error_ = std::move(error);
}

std::string FormValues::text(std::string_view name) {
  const std::string value(last(name).value_or(""));
  if (text::repair_utf8(value) == value) return value;
  refuse(invalid_value(std::string(name), std::string(name) + " is no valid UTF-8"));
  return "";
}

std::optional<bool> FormValues::flag(std::string_view name) {
  const auto value = last(name);
  if (!value) return std::nullopt;
  const std::optional<bool> flag = flag_of(*value);
  if (!flag) {
    refuse(invalid_value(std::string(name),
                         std::string(name) + " is " + in_quotes(*value) + "; write true or false"));
  }
  return flag;
}

std::optional<double> FormValues::number(std::string_view name, double least, double most) {
  const auto value = last(name);
  if (!value) return std::nullopt;
  const std::optional<double> number = number_of(*value);
  if (number && *number >= least && *number <= most) return number;
  refuse(invalid_value(std::string(name), std::string(name) + " is " + in_quotes(*value) +
                                              "; it is a number from " + shown(least) + " to " +
                                              shown(most)));
  return std::nullopt;
}

std::optional<int64_t> FormValues::integer(std::string_view name, int64_t least, int64_t most) {
  const auto value = last(name);
  if (!value) return std::nullopt;
  const std::optional<int64_t> number = integer_of(*value);
  if (number && *number >= least && *number <= most) return number;
  refuse(invalid_value(std::string(name), std::string(name) + " is " + in_quotes(*value) +
                                              "; it is a whole number from " +
                                              std::to_string(least) + " to " +
                                              std::to_string(most)));
  return std::nullopt;
}

size_t FormValues::choice(std::string_view name, std::initializer_list<std::string_view> words) {
  const auto value = last(name);
  if (!value) return 0;
  std::string known;
  for (const std::string_view& word : words) {
    if (word == *value) return size_t(&word - words.begin());
    known += (known.empty() ? "" : ", ") + std::string(word);
  }
  refuse(unsupported_value(std::string(name), std::string(name) + " is " + in_quotes(*value) +
                                                  "; it is one of " + known));
  return 0;
}

std::vector<std::string> FormValues::list(std::string_view name) {
  std::vector<std::string> list;
  for (const std::string_view value : form_.all(name)) {
    if (value.empty()) continue;
    if (text::repair_utf8(value) != value) {
      refuse(invalid_value(std::string(name), std::string(name) + " is no valid UTF-8"));
      continue;
    }
    std::optional<std::vector<std::string>> items;
    if (value.front() == '[') items = strings_of(value);
    if (!items) items = {std::string(value)};  // "[laughs]" is a word, too
    list.insert(list.end(), items->begin(), items->end());
  }
  return list;
}

Json FormValues::object(std::string_view name) {
  const std::string whole = text(name);
  if (!whole.empty()) {
    const Result<Json> json = parse_json(whole, kListLimits);
    return json.has_value() && json->is_object() ? *json : Json(whole);
  }
  Json object;
  for (const auto& [field, value] : form_.fields) {
    const bool inside = field.size() > name.size() + 2 && field.starts_with(name) &&
                        field[name.size()] == '[' && field.back() == ']';
    if (!inside || value.empty()) continue;
    const std::string member = field.substr(name.size() + 1, field.size() - name.size() - 2);
    object[text::repair_utf8(member)] = text::repair_utf8(value);
  }
  return object;
}

}  // namespace maie::server
