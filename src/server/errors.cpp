#include "server/errors.h"

#include "base/ascii.h"

namespace maie::server {
namespace {

constexpr int kRetryAfterS = 5;  // where nobody knows better

// docs/spec/interfaces.md, 1.4
const char* type_of(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 408: return "timeout_error";
    case 409: return "conflict_error";
    case 429: return "rate_limit_error";
    default: return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

}  // namespace

http::Response to_response(const ApiError& error, http::ErrorStyle style,
                           const std::string& request_id) {
  const bool openai = style == http::ErrorStyle::kOpenAi;
  const std::string code = !openai                      ? error.code
                           : !error.openai_code.empty() ? error.openai_code
                                                        : lower(error.code);
  Json body = {{"error",
                {{"message", error.message},
                 {"type", type_of(error.status)},
                 {"param", error.param.empty() ? Json() : Json(error.param)},
                 {"code", code.empty() ? Json() : Json(code)},
                 {"details", error.details}}},
               {"detail", error.message},
               {"request_id", request_id}};
  if (!error.extra.is_null()) body["extra"] = error.extra;
  http::Response response;
  response.status = error.status;
  response.body = to_line(body) + "\n";
  const bool later = error.status == 429 || error.status == 503;
  if (later || error.retry_after_s > 0) {
    const int seconds = error.retry_after_s > 0 ? error.retry_after_s : kRetryAfterS;
    response.headers.set("Retry-After", std::to_string(seconds));
  }
  if (error.should_retry) {
    response.headers.set("x-should-retry", *error.should_retry ? "true" : "false");
  }
  if (error.status == 401) response.headers.set("WWW-Authenticate", "Bearer");
  return response;
}

ApiError api_error_of(const Status& status) {
  // What the engine says may name files of this machine; only what the client can mend is passed
  // on.
  switch (status.code()) {
    case Code::kInvalidInput:
      return {.status = 422, .code = "VALIDATION_ERROR", .message = status.message()};
    case Code::kUnsupported:
      return {.status = 422, .code = "UNSUPPORTED", .message = status.message()};
    case Code::kNotFound: return {.status = 404, .code = "NOT_FOUND", .message = "Not Found"};
    case Code::kResourceExhausted:
      return {.status = 507,
              .code = "DISK_FULL",
              .message = "There is no room to store this; free some space or try again later",
              .should_retry = true};
    case Code::kUnavailable:
    case Code::kPermissionDenied:
    case Code::kCorrupt:  // of the store, which is repaired
      return {.status = 503,
              .code = "STORE_UNAVAILABLE",
              .message = "The store of tasks does not answer or cannot be written; try again later",
              .should_retry = true};
    default:
      return {.status = 500,
              .code = "PROCESSING_ERROR",
              .message = "Internal Server Error",
              .should_retry = false};
  }
}

}  // namespace maie::server
