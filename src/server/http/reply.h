#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/http/message.h"

namespace maie::http {

/// An answer sent piece by piece (chunked, or until the connection closes for HTTP/1.0). Any
/// thread.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Queues bytes; false once the client is gone. A client that does not read fast enough is cut
  /// off when `Backlog` bytes wait.
  virtual bool write(std::string bytes) = 0;
  virtual void close() = 0;  ///< the end; later writes do nothing
  static constexpr size_t kBacklogBytes = 1 << 20;
};

/// The way back to one client: exactly one of send and start. Copies mean the same request; when
/// the last one goes without an answer, the client gets a 500. Any thread, also long after the
/// handler returned.
class Reply {
 public:
  virtual ~Reply() = default;
  virtual void send(Response response) = 0;
  /// Sends status and headers now, the body through the stream.
  virtual std::shared_ptr<Stream> start(Response head) = 0;
  /// Called once, from any thread, when the client goes away before its answer is complete; at once
  /// if it has gone already.
  virtual void on_disconnect(std::function<void()> gone) = 0;
};
using ReplyPtr = std::shared_ptr<Reply>;

}  // namespace maie::http
