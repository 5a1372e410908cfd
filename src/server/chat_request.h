#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/json.h"
#include "jobs/job.h"
#include "server/errors.h"

namespace maie::server {

/// A body of POST /v1/chat/completions, understood.
struct ChatRequest {
  jobs::ChatJob job;  ///< `model` as the client named it
  bool stream = false;
  bool include_usage = false;  ///< of a stream
};

/// Checks every member (docs/spec/interfaces.md, 6.1 and 6.3) and compiles the schema, but does not
/// look for the model. Members that are not known are ignored, except in response_format.
std::variant<ChatRequest, ApiError> chat_request_of(std::string_view body);

}  // namespace maie::server
