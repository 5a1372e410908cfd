#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace maie::jobs {

/// Members of an object that need more than base/json.h: empty or absent where there is no such
/// member or it has another type.
const Json& list_member(const Json& object, const char* key);    ///< an array
const Json& object_member(const Json& object, const char* key);  ///< an object
std::vector<std::string> strings_member(const Json& object, const char* key);
std::optional<double> number_member(const Json& object, const char* key);
std::optional<bool> bool_member(const Json& object, const char* key);

/// The value, or null.
template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace maie::jobs
