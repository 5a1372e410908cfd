#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/errors.h"
#include "server/http/message.h"

namespace maie::server {

/// A request that is refused because of the value of `param`: 400.
ApiError invalid_value(std::string param, std::string message);
/// A value that means something, which this server does not do: 400.
ApiError unsupported_value(std::string param, std::string message);
ApiError missing_field(std::string param);

/// The fields of a form by type, in all the ways clients write them (docs/spec/interfaces.md, 2.1).
/// An empty field is an absent one; of a value given several times the last counts. Reading goes on
/// after a wrong value, whose error is kept: the first one.
class FormValues {
 public:
  explicit FormValues(const http::Form& form) : form_(form) {}

  /// Whether there is a value, under this name or as "name[]".
  bool has(std::string_view name) const;
  std::string text(std::string_view name);
  std::optional<bool> flag(std::string_view name);  ///< true/false, 1/0, yes/no, on/off, t/f, y/n
  std::optional<double> number(std::string_view name, double least, double most);
  std::optional<int64_t> integer(std::string_view name, int64_t least, int64_t most);
  /// One of `words`; the first when absent. @returns its index.
  size_t choice(std::string_view name, std::initializer_list<std::string_view> words);
  /// "name[]=a" and "name=a" repeated, JSON arrays of strings, or a mixture.
  std::vector<std::string> list(std::string_view name);
  /// A JSON object in one field, or "name[member]=value" for each member (as strings). Null when
  /// absent; any other text as a JSON string.
  Json object(std::string_view name);

  void refuse(ApiError error);
  const std::optional<ApiError>& error() const { return error_; }

 private:
  std::optional<std::string_view> last(std::string_view name) const;

  const http::Form& form_;
  std::optional<ApiError> error_;
};

/// The same of one text, wherever it stands: nullopt when it is none.
std::optional<bool> flag_of(std::string_view text);
std::optional<double> number_of(std::string_view text);
std::optional<int64_t> integer_of(std::string_view text);

}  // namespace maie::server
