#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "config/settings.h"
#include "server/http/message.h"
#include "server/http/refusal.h"
#include "server/http/router.h"

namespace maie::http {

/// What the application adds to every exchange.
struct Hooks {
  /// Called when the headers are there, before the body is read and before `Expect: 100-continue`
  /// is answered: keys, rate limit, full disk. An answer refuses the request. May set `principal`.
  std::function<std::optional<Response>(Request&, const Route&)> guard;
  /// What a request that has no handler gets (unknown path, wrong method, broken HTTP or form, body
  /// too large, too slow): the server knows status and reason, the application the words.
  /// `request` has what is known; `route` may be null.
  using Refusal = http::Refusal;
  std::function<Response(const Request&, const Route*, const Refusal&)> refuse;
  /// Adds headers that every answer has (request id, security, CORS).
  std::function<void(const Request&, const Route*, Response&)> decorate;
  /// Answers a CORS preflight; nullopt: treat as any other OPTIONS.
  std::function<std::optional<Response>(const Request&)> preflight;
  /// When an answer is complete: for metrics and the access log. Status 499: the client left first.
  struct Done {
    const Request& request;
    const Route* route;
    int status;
    double seconds;
    uint64_t body_bytes_in;
    uint64_t bytes_out;
  };
  std::function<void(const Done&)> done;
  std::function<void(int change)> in_flight;  ///< +1, -1
};

struct ServerOptions {
  std::string host;
  int port = 0;             ///< 0: any free one
  std::string unix_socket;  ///< instead of host and port
  config::ServerSettings limits;
  std::string spool_folder;  ///< for uploads in progress; emptied at the start
  int max_form_parts = 1000;
  size_t max_field_bytes = 1 << 20;
  size_t max_header_bytes = 32 << 10;
};

/// HTTP/1.1 over TCP or a unix socket (Boost.Beast, coroutines): a few threads for connections, a
/// few for handlers. A socket handed over by the service manager (LISTEN_FDS) is used instead of
/// opening one.
class Server {
 public:
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, const Router& router,
                                               Hooks hooks);
  virtual ~Server() = default;
  virtual int port() const = 0;  ///< that was taken; 0 on a unix socket
  virtual int connections() const = 0;
  /// Stops accepting, closes idle connections, lets exchanges end for `drain_s`, then cuts them.
  virtual void drain() = 0;
};

}  // namespace maie::http
