#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace maie::config {

/// One value of a settings file.
struct FileValue {
  std::string key;  ///< "api.port", sections joined by dots
  Json value;       ///< dates are null; numbers that are not finite stay what they are
  int line = 0;
  bool is_section = false;  ///< a table; `value` is null
};

/// The values and sections of a TOML document in the order of its keys. kInvalidInput with line and
/// reason when it is none, is longer than kMostFileBytes or nested absurdly deep.
/// @param name  of the file, for messages
Result<std::vector<FileValue>> parse_toml(std::string_view text, const std::string& name);
inline constexpr size_t kMostFileBytes = 1 << 20;

/// `value` as TOML: a text, number, switch or list of them.
std::string to_toml(const Json& value);

}  // namespace maie::config
