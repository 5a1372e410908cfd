#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/status.h"

namespace maie {

/// JSON values; the library stays behind this header.
using Json = nlohmann::ordered_json;

/// Limits of a document from outside.
struct JsonLimits {
  size_t depth = 64;           ///< nesting of objects and arrays
  size_t values = 20'000'000;  ///< values in all, keys not counted
  size_t members = 20'000;     ///< of one object: looking up keys in order takes time for each
  bool unique_keys = false;    ///< refuse an object that names a key twice
};

/// Parses UTF-8 JSON text; kCorrupt with the byte position when it is not valid or over a limit.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

/// On one line. What is no valid UTF-8 is replaced, so it never throws.
std::string to_line(const Json& json);
/// The same over many lines, two spaces a level.
std::string to_indented(const Json& json);

/// Typed member access that never throws: nullopt-like default when absent or of another type.
int64_t json_int(const Json& object, const char* key, int64_t fallback);
double json_number(const Json& object, const char* key, double fallback);
bool json_bool(const Json& object, const char* key, bool fallback);
std::string json_string(const Json& object, const char* key, std::string fallback);

}  // namespace maie
