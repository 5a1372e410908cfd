#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "server/http/message.h"

namespace maie::server {

/// A stream of server-sent events as the OpenAI routes have it: one line `data: <JSON>` and an
/// empty line an event, nothing else (docs/spec/interfaces.md, 3).
std::string data_event(const Json& json);
inline constexpr std::string_view kKeepAliveComment = ": keep-alive\n\n";
inline constexpr std::string_view kDoneEvent = "data: [DONE]\n\n";

/// Status and headers of such a stream: not stored, not buffered by proxies.
http::Response event_stream_head();

}  // namespace maie::server
