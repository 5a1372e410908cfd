#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "base/status.h"
#include "server/http/router.h"

namespace maie::server {

/// One failure as clients see it: {"error": {"message", "type", "param", "code", "details"},
/// "detail": message, "request_id", "extra"?} (docs/design.md, 6).
struct ApiError {
  int status = 500;
  std::string code;              ///< in capitals: "QUEUE_FULL"; OpenAI routes get `openai_code`
  std::string message;           ///< nothing of this machine: no path, no address
  std::string param = {};        ///< the field; empty: null
  Json details = {};             ///< object or null
  std::string openai_code = {};  ///< "queue_full"; empty: `code` in lower case
  int retry_after_s = 0;         ///< header Retry-After; 429 and 503 always have one
  std::optional<bool> should_retry = {};  ///< header x-should-retry
  Json extra = {};                        ///< list of {"message", "key", "source"}
};

http::Response to_response(const ApiError& error, http::ErrorStyle style,
                           const std::string& request_id);

/// What a failure of the engine is to a client; the one table from Code to HTTP.
ApiError api_error_of(const Status& status);

}  // namespace maie::server
