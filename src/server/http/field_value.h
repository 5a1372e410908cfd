#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace maie::http {

/// A field value with parameters: `form-data; name="a"; filename*=UTF-8''b`.
struct FieldValue {
  std::string value;  ///< in front of the first semicolon, lower case
  /// Names in lower case, values without their quotes and escapes. No name comes twice.
  std::vector<std::pair<std::string, std::string>> parameters;

  std::optional<std::string_view> parameter(std::string_view name) const;
};

/// nullopt when malformed. In quotes a backslash escapes a quote or a backslash and is itself
/// otherwise, since some clients send Windows paths as they are.
std::optional<FieldValue> parse_field_value(std::string_view text);

/// UTF-8 text of an extended parameter (RFC 8187): `UTF-8'en'%e2%82%ac`; also ISO-8859-1. nullopt
/// when malformed or in another character set.
std::optional<std::string> decode_extended(std::string_view value);

}  // namespace maie::http
