#include "config/forms.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/json.h"

namespace maie::config {
namespace {

bool is_visible(char c) { return c > 0x20 && c < 0x7f; }

// "30 days": the number and the word after it.
struct Quantity {
  double number = 0;
  std::string unit;
};

std::optional<Quantity> quantity_of(std::string_view text) {
  text = trimmed(text);
  Quantity quantity;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), quantity.number);
  if (error != std::errc() || !std::isfinite(quantity.number)) return std::nullopt;
  quantity.unit = lower(trimmed(text.substr(size_t(end - text.data()))));
  return quantity;
}

std::string number_text(double number) {
  Json json = number;
  if (number == std::floor(number) && std::abs(number) < 1e15) json = int64_t(number);
  return json.dump();
}

// An item of ["minute", 60]; the text itself where it is no such list.
std::string item_of(std::string_view text, size_t index) {
  const Result<Json> list = parse_json(text, {.depth = 4, .values = 16});
  if (!list.has_value() || !list->is_array() || list->size() != 2) return std::string(text);
  const Json& item = (*list)[index];
  return item.is_string() ? item.get<std::string>() : item.dump();
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = char(c - 'a' + 'A');
  return out;
}

std::optional<uint64_t> parse_size(std::string_view text) {
  const std::optional<Quantity> quantity = quantity_of(text);
  if (!quantity || quantity->number < 0) return std::nullopt;
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"", 1},         {"b", 1},      {"k", 0x1p10},   {"kb", 1e3},    {"kib", 0x1p10},
      {"m", 0x1p20},   {"mb", 1e6},   {"mib", 0x1p20}, {"g", 0x1p30},  {"gb", 1e9},
      {"gib", 0x1p30}, {"t", 0x1p40}, {"tb", 1e12},    {"tib", 0x1p40}};
  for (const auto& [name, factor] : kUnits) {
    if (name != quantity->unit) continue;
    const double bytes = quantity->number * factor;
    return bytes <= 0x1p60 ? std::optional(uint64_t(bytes)) : std::nullopt;
  }
  return std::nullopt;
}

bool is_size_or_auto(std::string_view text) {
  return lower(trimmed(text)) == "auto" || parse_size(text).has_value();
}

bool is_http_url(std::string_view text) {
  const std::string start = lower(text.substr(0, 8));
  const size_t scheme = start.starts_with("https://") ? 8 : start.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return false;
  const std::string_view host = text.substr(scheme, text.find_first_of("/?#", scheme) - scheme);
  return !host.empty() && host.find('@') == host.npos &&
         std::all_of(text.begin(), text.end(), is_visible);
}

bool is_model_name(std::string_view text) {
  const std::string start = lower(text.substr(0, 8));
  return !(start.starts_with("http://") || start.starts_with("https://")) || is_http_url(text);
}

bool is_socket_path(std::string_view text) {
  return text.starts_with('/') && text.size() < 108 && !text.ends_with('/');
}

bool is_origin(std::string_view text) {
  if (text == "*") return true;
  const size_t scheme = text.find("://");
  return scheme != text.npos && scheme > 0 && text.size() > scheme + 3 &&
         text.find_first_of("/?#@*", scheme + 3) == text.npos &&
         std::all_of(text.begin(), text.end(), is_visible);
}

bool is_header_list(std::string_view text) {
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const size_t equals = item.find('=');
    if (equals == item.npos || trimmed(item.substr(0, equals)).empty()) return false;
  }
  return true;
}

bool is_language(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  };
  return text.size() <= 16 && std::all_of(text.begin(), text.end(), fits);
}

bool is_key(std::string_view text) {
  return text.size() >= 32 && text.size() <= 1024 &&
         std::all_of(text.begin(), text.end(), is_visible);
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = uint8_t(text[i]);
    const size_t length = lead < 0x80    ? 1
                          : lead < 0xC2  ? 0
                          : lead < 0xE0  ? 2
                          : lead < 0xF0  ? 3
                          : lead <= 0xF4 ? 4
                                         : 0;
    if (length == 0 || text.size() - i < length) return false;
    for (size_t k = 1; k < length; ++k)
      if ((uint8_t(text[i + k]) & 0xC0) != 0x80) return false;
    const auto second = length > 1 ? uint8_t(text[i + 1]) : uint8_t(0);
    const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    const bool outside = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
    if (overlong || outside) return false;
    i += length;
  }
  return true;
}

std::string level_of_older(std::string_view text) {
  const std::string level = lower(trimmed(text));
  if (level == "trace") return "debug";
  if (level == "success") return "info";
  if (level == "critical") return "error";
  return level;
}

std::string megabytes_of_older(std::string_view text) {
  const std::optional<Quantity> quantity = quantity_of(text);
  if (!quantity || quantity->unit.empty()) return std::string(text);
  const std::optional<uint64_t> bytes = parse_size(text);
  return bytes ? number_text(double(*bytes) / 1e6) : std::string(text);
}

std::string days_of_older(std::string_view text) {
  const std::optional<Quantity> quantity = quantity_of(text);
  if (!quantity) return std::string(text);
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"hour", 1 / 24.0}, {"day", 1}, {"week", 7}, {"month", 30}, {"year", 365}};
  std::string unit = quantity->unit;
  if (unit.ends_with('s')) unit.pop_back();
  for (const auto& [name, days] : kUnits)
    if (name == unit) return number_text(quantity->number * days);
  return std::string(text);
}

std::string unit_of_older(std::string_view text) { return lower(item_of(text, 0)); }
std::string count_of_older(std::string_view text) { return item_of(text, 1); }

std::string compute_type_of_older(std::string_view text) {
  const std::string type = lower(trimmed(text));
  if (type == "float16" || type == "default") return "auto";  // a type of GPUs
  return type.starts_with("int8_") ? "int8" : type;
}

std::string hub_switch(std::string_view text) {
  const std::string word = lower(text);
  return word == "1" || word == "on" || word == "yes" || word == "true" ? "true" : "";
}

std::string first_number(std::string_view text) {
  text = text.substr(0, text.find(','));
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && count >= 1 && count <= 1024 ? std::to_string(count) : "";
}

}  // namespace maie::config
