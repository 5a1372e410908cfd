#include "jobs/member.h"

namespace maie::jobs {
namespace {

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

const Json& list_member(const Json& object, const char* key) {
  static const Json empty = Json::array();
  const Json* found = member(object, key);
  return found != nullptr && found->is_array() ? *found : empty;
}

const Json& object_member(const Json& object, const char* key) {
  static const Json empty = Json::object();
  const Json* found = member(object, key);
  return found != nullptr && found->is_object() ? *found : empty;
}

std::vector<std::string> strings_member(const Json& object, const char* key) {
  std::vector<std::string> strings;
  for (const Json& item : list_member(object, key)) {
    if (item.is_string()) strings.push_back(item.get<std::string>());
  }
  return strings;
}

std::optional<double> number_member(const Json& object, const char* key) {
  const Json* found = member(object, key);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::optional<bool> bool_member(const Json& object, const char* key) {
  const Json* found = member(object, key);
  if (found == nullptr || !found->is_boolean()) return std::nullopt;
  return found->get<bool>();
}

}  // namespace maie::jobs
