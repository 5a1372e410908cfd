#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"

namespace maie {

/// What the caller can do about a failure; the reason itself is in the message.
enum class Code {
  kOk,
  kInvalidInput,       ///< change the request
  kNotFound,           ///< name something that exists
  kUnsupported,        ///< a valid thing we do not handle
  kCorrupt,            ///< replace the file
  kPermissionDenied,   ///< get the rights
  kResourceExhausted,  ///< ask for less, or later
  kUnavailable,        ///< try again
  kCancelled,          ///< the user or a deadline stopped it
  kInternal,           ///< a bug: report it
};

/// Lower-case name of a code, e.g. "invalid_input".
std::string_view to_string(Code code);

/// Success, or a code with a message that says what, where, and what to do next.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

  /// The same failure with `where` put in front: "where: message".
  Status within(std::string_view where) const;

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

inline Status invalid_input(std::string m) { return {Code::kInvalidInput, std::move(m)}; }
inline Status not_found(std::string m) { return {Code::kNotFound, std::move(m)}; }
inline Status unsupported(std::string m) { return {Code::kUnsupported, std::move(m)}; }
inline Status corrupt(std::string m) { return {Code::kCorrupt, std::move(m)}; }
inline Status permission_denied(std::string m) { return {Code::kPermissionDenied, std::move(m)}; }
inline Status resource_exhausted(std::string m) { return {Code::kResourceExhausted, std::move(m)}; }
inline Status unavailable(std::string m) { return {Code::kUnavailable, std::move(m)}; }
inline Status cancelled(std::string m) { return {Code::kCancelled, std::move(m)}; }
inline Status internal_error(std::string m) { return {Code::kInternal, std::move(m)}; }

/// A failed system call as a Status: the code follows `error_number` (errno), the message is
/// "what: system text".
Status errno_status(std::string_view what, int error_number);

/// A value or the Status that explains its absence. Member names follow std::expected.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Status error) : content_(std::in_place_index<1>, std::move(error)) {
    check(!std::get<1>(content_).ok(), "a Result without value needs a failed Status");
  }

  bool has_value() const { return content_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return require(); }
  const T& value() const& { return const_cast<Result*>(this)->require(); }
  T&& value() && { return std::move(require()); }
  T& operator*() & { return require(); }
  const T& operator*() const& { return const_cast<Result*>(this)->require(); }
  T&& operator*() && { return std::move(require()); }
  T* operator->() { return &require(); }
  const T* operator->() const { return &const_cast<Result*>(this)->require(); }

  /// The failure. Only when `!has_value()`.
  const Status& error() const {
    check(!has_value(), "Result::error() on a value");
    return std::get<1>(content_);
  }
  /// The failure, or an ok Status.
  Status status() const { return has_value() ? Status() : std::get<1>(content_); }

 private:
  T& require() {
    check(has_value(), "Result::value() on a failure");
    return std::get<0>(content_);
  }
  std::variant<T, Status> content_;
};

}  // namespace maie

#define MAIE_CONCAT_INNER(a, b) a##b
#define MAIE_CONCAT(a, b) MAIE_CONCAT_INNER(a, b)

/// Returns the failure of `expression` (a Status) from the enclosing function.
#define MAIE_TRY(expression)                   \
  do {                                         \
    ::maie::Status maie_status = (expression); \
    if (!maie_status.ok()) return maie_status; \
  } while (false)

/// `MAIE_ASSIGN(auto clip, decode(bytes))`: binds the value or returns the failure.
#define MAIE_ASSIGN(declaration, expression) \
  MAIE_ASSIGN_INNER(MAIE_CONCAT(maie_result_, __LINE__), declaration, expression)
#define MAIE_ASSIGN_INNER(result, declaration, expression) \
  auto result = (expression);                              \
  if (!result.has_value()) return result.error();          \
  declaration = std::move(*result)
