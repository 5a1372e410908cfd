#pragma once

#include <string>
#include <string_view>

#include "server/http/message.h"

namespace maie::http {

enum class Framing {
  kLength,   ///< the body is there: Content-Length
  kChunked,  ///< a stream
  kToEnd,    ///< a stream to a client of HTTP/1.0: it ends with the connection
};

/// Status line and header fields with their empty line. Adds Content-Type, Date, framing and
/// Connection; those of `response` that would contradict are left out, and control characters in
/// values become blanks, so that no value can begin a field of its own.
std::string format_head(const Response& response, Framing framing, bool keep_alive);

/// 1xx, 204 and 304 have no body.
bool has_body(int status);

}  // namespace maie::http
