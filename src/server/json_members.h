#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "server/errors.h"

namespace maie::server {

/// The members of a JSON object by type. A member that is null is an absent one. Reading goes on
/// after a wrong value, whose error is kept: the first one.
class JsonMembers {
 public:
  /// @param prefix  of names in errors: "response_format."
  explicit JsonMembers(const Json& object, std::string prefix = "")
      : object_(object), prefix_(std::move(prefix)) {}

  /// nullptr when absent or null.
  const Json* find(const char* name) const;
  std::optional<bool> flag(const char* name);
  std::optional<double> number(const char* name, double least, double most);
  std::optional<int64_t> integer(const char* name, int64_t least, int64_t most);
  std::optional<std::string> text(const char* name);

  void refuse(ApiError error);
  /// 400 invalid_value: "<name> must be <what>".
  void refuse_value(const char* name, const std::string& what);
  const std::optional<ApiError>& error() const { return error_; }

 private:
  const Json& object_;
  std::string prefix_;
  std::optional<ApiError> error_;
};

}  // namespace maie::server
