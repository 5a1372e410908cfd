#include "server/sse.h"

namespace maie::server {

std::string data_event(const Json& json) { return "data: " + to_line(json) + "\n\n"; }

http::Response event_stream_head() {
  http::Response head{.content_type = "text/event-stream; charset=utf-8"};
  head.headers.set("Cache-Control", "no-store");
  head.headers.set("X-Accel-Buffering", "no");
  return head;
}

}  // namespace maie::server
