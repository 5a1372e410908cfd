#include "server/http/message.h"

#include <algorithm>

#include "server/http/characters.h"

namespace maie::http {

void Headers::add(std::string name, std::string value) {
  fields_.emplace_back(std::move(name), std::move(value));
}

void Headers::set(std::string_view name, std::string value) {
  std::erase_if(fields_, [&](const auto& field) { return equal_fold(field.first, name); });
  fields_.emplace_back(name, std::move(value));
}

std::string_view Headers::get(std::string_view name) const {
  for (const auto& [field, value] : fields_) {
    if (equal_fold(field, name)) return value;
  }
  return {};
}

bool Headers::has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [&](const auto& field) { return equal_fold(field.first, name); });
}

std::vector<std::string_view> Form::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [field, value] : fields) {
    const bool listed = field.size() == name.size() + 2 && field.ends_with("[]");
    if (field == name || (listed && field.starts_with(name))) values.push_back(value);
  }
  return values;
}

std::optional<std::string_view> Form::get(std::string_view name) const {
  const auto found = std::find_if(fields.rbegin(), fields.rend(),
                                  [&](const auto& field) { return field.first == name; });
  if (found == fields.rend()) return std::nullopt;
  return found->second;
}

const FormFile* Form::file(std::string_view name) const {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const FormFile& f) { return f.name == name; });
  return found == files.end() ? nullptr : &*found;
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string_view Request::param(std::string_view name) const {
  for (const auto& [key, value] : params) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace maie::http
