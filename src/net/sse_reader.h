#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace maie::net {

/// One event of a stream of server-sent events. Bytes as they came: whoever reads them as text
/// checks that they are UTF-8.
struct ServerEvent {
  std::string type;  ///< empty for the usual "message"
  std::string data;  ///< its lines joined by '\n'
  std::string id;    ///< the last one named in the stream
};

/// Reads `text/event-stream` (WHATWG HTML, 9.2.6) in pieces cut anywhere: line ends CR, LF and
/// CRLF, a byte-order mark, comments, several lines of data. `retry` is passed over: who reconnects
/// has its own patience. What follows the last blank line is no event. One thread at a time.
class SseReader {
 public:
  /// false: no more events are wanted, and `feed` returns.
  using Handler = std::function<bool(const ServerEvent&)>;

  explicit SseReader(Handler handler, size_t max_event_bytes = 4 << 20)
      : handler_(std::move(handler)), max_event_bytes_(max_event_bytes) {}

  /// kResourceExhausted when an event or a line is longer than the bound; then, or once the handler
  /// said no, the reader is of no further use.
  Status feed(std::string_view piece);

 private:
  bool end_line();
  void take_field(std::string_view name, std::string_view value);

  Handler handler_;
  size_t max_event_bytes_;
  std::string line_;
  ServerEvent event_;
  bool first_line_ = true;
  bool after_cr_ = false;  // a '\n' now belongs to the line end before it
  bool has_data_ = false;
};

}  // namespace maie::net
