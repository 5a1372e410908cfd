#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "server/http/server.h"

namespace maie::http {

/// A server on a free port with routes that show what arrived, and what its hooks saw.
///
///   GET /hello, /query, /rest/{path...}, /big?bytes=, /throw, /drop, /empty (204)
///   GET /wait    the reply is kept: parked()
///   GET /events  a stream that is kept: streams()
///   GET /count   a stream of "0,1,...,9," and its end
///   POST /bytes (at most 1 MiB), /form (at most 8 MiB), /slow-form (takes what it gets)
///   GET /guarded is refused with 401, without its body being read: also POST
class LiveServer {
 public:
  /// Short deadlines, so that tests of them are short.
  static ServerOptions quick_options();

  explicit LiveServer(ServerOptions options = quick_options());
  ~LiveServer();

  int port() const { return server_->port(); }
  Server& server() { return *server_; }
  void stop() { server_.reset(); }
  const std::string& spool() const { return spool_; }
  size_t files_in_spool() const;

  struct Seen {
    std::string method, path;
    int status;
    uint64_t bytes_in, bytes_out;
  };
  std::vector<Seen> done();
  int in_flight() const { return in_flight_; }
  int gone() const { return gone_; }
  std::vector<ReplyPtr> parked();
  std::vector<std::shared_ptr<Stream>> streams();
  void forget_parked();  ///< drops the replies

  /// Polls `condition` for some seconds.
  static bool eventually(const std::function<bool()>& condition, double seconds = 5);

 private:
  void add_routes();
  Hooks hooks();

  std::string spool_;
  Router router_;
  std::mutex mutex_;
  std::vector<Seen> done_;
  std::vector<ReplyPtr> parked_;
  std::vector<std::shared_ptr<Stream>> streams_;
  std::atomic<int> in_flight_{0}, gone_{0};
  std::unique_ptr<Server> server_;
};

}  // namespace maie::http
