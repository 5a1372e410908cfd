#include "server/json_members.h"

#include <cmath>

#include "server/form_values.h"

namespace maie::server {
namespace {

std::string range(double least, double most) {
  const auto shown = [](double value) {
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
  };
  return "from " + shown(least) + " to " + shown(most);
}

// 3.0 is a whole number, too.
std::optional<int64_t> whole_number(const Json& value) {
  if (value.is_number_unsigned()) {
    const uint64_t number = value.get<uint64_t>();
    if (number > uint64_t(INT64_MAX)) return std::nullopt;
    return int64_t(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();
  if (number != std::floor(number) || std::abs(number) > 9e15) return std::nullopt;
  return int64_t(number);
}

}  // namespace

const Json* JsonMembers::find(const char* name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void JsonMembers::refuse(ApiError error) {
  if (!error_) error_ = std::move(error);
}

void JsonMembers::refuse_value(const char* name, const std::string& what) {
  refuse(invalid_value(prefix_ + name, prefix_ + name + " must be " + what));
}

std::optional<bool> JsonMembers::flag(const char* name) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  refuse_value(name, "true or false");
  return std::nullopt;
}

std::optional<double> JsonMembers::number(const char* name, double least, double most) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number() && value->get<double>() >= least && value->get<double>() <= most) {
    return value->get<double>();
  }
  refuse_value(name, "a number " + range(least, most));
  return std::nullopt;
}

std::optional<int64_t> JsonMembers::integer(const char* name, int64_t least, int64_t most) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const std::optional<int64_t> number = whole_number(*value);
  if (number && *number >= least && *number <= most) return number;
  refuse_value(name,
               "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<std::string> JsonMembers::text(const char* name) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  refuse_value(name, "a string");
  return std::nullopt;
}

}  // namespace maie::server
