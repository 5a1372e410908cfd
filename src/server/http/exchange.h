#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/http/form_receiver.h"
#include "server/http/message.h"
#include "server/http/reply.h"
#include "server/http/router.h"

namespace maie::http {

/// One request and its answer: what the connection (on its strand) and the holders of the reply
/// (any thread) share. Outlives the connection while a reply is held.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  /// @param wake  tells the connection to look again; any thread
  explicit Exchange(std::function<void()> wake) : wake_(std::move(wake)) {}

  Request request;  ///< the handler's, once it runs
  Request seen;     ///< for the hooks: as the guard left it, without body
  const Route* route = nullptr;
  std::vector<std::string> allowed;    ///< methods of a path that has no route for this one
  std::unique_ptr<FormReceiver> form;  ///< owns the uploaded files until someone renames them

  /// The reply for the handler. Once; the exchange knows when its last copy goes.
  ReplyPtr make_reply();

  // For the reply and its stream, any thread.
  void send(Response response);
  std::shared_ptr<Stream> start(Response head);
  void on_disconnect(std::function<void()> gone);
  void reply_dropped();
  bool write(std::string bytes);
  void close();
  void stream_dropped();

  // For the connection.
  bool told_gone = false;  ///< client_gone() was or will be called
  /// What there is to do; `bytes` and `response` are handed out once.
  struct News {
    std::optional<Response> response = {};
    bool streams = false;  ///< of `response`: its body comes as `bytes`, now or later
    std::string bytes = {};
    bool closed = false;     ///< nothing follows `bytes`
    bool abandoned = false;  ///< no answer will come
    bool cut = false;        ///< the stream broke: end the connection
  };
  News take_news();
  void written(size_t bytes);  ///< of the stream, by the client's system
  void client_gone();          ///< calls on_disconnect's functions; any thread
  void complete();             ///< the answer is written; the functions are dropped

 private:
  void wake_once();

  const std::function<void()> wake_;
  std::atomic<bool> woken_{false};

  std::mutex mutex_;
  bool answered_ = false;  ///< send or start was called
  bool gone_ = false;
  bool complete_ = false;
  size_t waiting_ = 0;  ///< bytes of the stream that the client has not taken
  News news_;
  std::vector<std::function<void()>> gone_calls_;
};

}  // namespace maie::http
