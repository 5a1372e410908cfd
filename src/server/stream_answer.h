#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "server/errors.h"
#include "server/http/reply.h"

namespace maie::server {

/// The client's side of an answer that may become a stream of server-sent events: what goes wrong
/// before its first event is an ordinary error, what goes wrong behind it is an event of the
/// stream. One thread at a time.
class EventStream {
 public:
  /// @param keep_alive_s  of silence at most
  EventStream(http::ReplyPtr reply, std::string request_id, double keep_alive_s);

  bool has_begun() const { return stream_ != nullptr; }
  /// Sends status 200 and the headers, once.
  void begin();
  void send(const Json& event);  ///< begins where that has not happened
  /// The end, with what `last` says behind the last event.
  void close(std::string_view last = "");
  void fail(const ApiError& error);
  /// To be called three times in keep_alive_s.
  void keep_alive();

 private:
  void write(std::string bytes);

  const http::ReplyPtr reply_;
  const std::string request_id_;
  const std::chrono::duration<double> keep_alive_;
  std::shared_ptr<http::Stream> stream_;
  std::chrono::steady_clock::time_point written_;
};

}  // namespace maie::server
