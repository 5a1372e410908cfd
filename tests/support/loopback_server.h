#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace maie::support {

/// A request as the loopback server read it.
struct LoopbackRequest {
  std::string method;
  std::string target;                                        ///< path and query
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::string body;
  int connection = 0;  ///< counts from 0

  std::string header(std::string_view name) const;  ///< the first of that name, or empty
};

/// What a handler answers with. Every function is false once the other side or the server's end has
/// closed the connection.
class LoopbackReply {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  LoopbackReply(int socket, const std::atomic<bool>& stopping)
      : socket_(socket), stopping_(stopping) {}

  bool raw(std::string_view bytes);  ///< as they are
  /// A whole answer with its length.
  bool answer(int status, std::string_view body, const Headers& headers = {});
  bool json(std::string_view body, int status = 200);
  bool begin_chunked(int status, const Headers& headers);
  bool chunk(std::string_view bytes);  ///< one chunk, sent at once
  bool end_chunked();
  /// Waits; ends early, with false, when the client has gone or the server stops.
  bool wait(double seconds);
  void hang() { wait(1e6); }  ///< until then
  void close();               ///< after what was sent
  void reset();               ///< at once, with an RST

  bool is_closed() const { return closed_; }

 private:
  int socket_;
  const std::atomic<bool>& stopping_;
  bool closed_ = false;
};

/// An HTTP/1.1 server of the tests on a free port of 127.0.0.1, written with nothing but sockets. A
/// thread serves each connection and calls the handler for each request; connections stay open
/// unless the handler closes them. The destructor ends every thread.
class LoopbackServer {
 public:
  using Handler = std::function<void(const LoopbackRequest&, LoopbackReply&)>;

  explicit LoopbackServer(Handler handler);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }
  std::string place() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url(std::string_view target) const {
    return "http://" + place() + std::string(target);
  }
  std::vector<LoopbackRequest> requests() const;  ///< so far
  int connections() const;                        ///< so far

 private:
  void accept_all();
  void serve(int socket, int number);

  Handler handler_;
  int port_ = 0;  // before the listener, whose making sets it
  int listener_ = -1;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;  // guards the rest
  std::vector<LoopbackRequest> requests_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

/// A port of 127.0.0.1 at which nothing listens (for as long as nobody else takes it).
int unused_port();

}  // namespace maie::support
