#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"

namespace maie::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// How connections are made, for the life of a client.
struct HttpOptions {
  bool offline = false;           ///< open no connection: every call is refused with kUnavailable
  double connect_timeout_s = 10;  ///< name, connection and TLS together
  int max_redirects = 8;          ///< a longer chain is kUnavailable
  std::string user_agent = "maie";
};

/// What to do with an answer that points elsewhere. https never leads to http, and a key (the
/// headers Authorization, Cookie, X-API-Key, Api-Key) is not sent on to another scheme, host or
/// port.
enum class Redirects {
  kFollow,
  kSameOrigin,  ///< follow within scheme, host and port; else the redirect is the response
  kNone,        ///< the redirect is the response
};

struct HttpRequest {
  std::string method = "GET";
  std::string url = {};      ///< http or https
  HttpHeaders headers = {};  ///< never logged, nor named in a message
  std::string body = {};
  double stall_limit_s = 60;           ///< without a byte to or from the server
  double total_limit_s = 0;            ///< of the whole exchange, redirects included; 0: none
  uint64_t max_body_bytes = 64 << 20;  ///< of the answer, also for a receiver: more is refused
  Redirects redirects = Redirects::kFollow;
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  ///< names in lower case
  std::string body;     ///< empty when a receiver took it; cut at 1 MiB unless the status is 2xx
  std::string url;      ///< after redirects; its query may hold a secret

  bool ok() const { return status >= 200 && status < 300; }
  /// The last header of that name (in lower case), or empty.
  std::string_view header(std::string_view name) const;
};

/// What kept an answer from coming whole, for who decides on another try.
enum class HttpFailure {
  kNone,
  kRefused,    ///< by us: offline, the URL, a header, a redirect
  kConnect,    ///< no name, no connection, no trusted TLS: the server has seen nothing
  kBroken,     ///< closed or garbled before the end
  kStalled,    ///< a limit of time
  kTooLong,    ///< a limit of bytes
  kCancelled,  ///< by the token or the receiver
};

/// HTTP over libcurl, which stays behind this folder. Any thread; connections are kept and reused.
/// Proxies and certificates follow the usual variables (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY,
/// NO_PROXY, SSL_CERT_FILE, SSL_CERT_DIR); this machine is never reached through a proxy.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  const HttpOptions& options() const;

  /// Takes the body of a 2xx answer piece by piece as it comes, on the calling thread; false ends
  /// the exchange with kCancelled. Bodies of other answers go to HttpResponse::body.
  using Receiver = std::function<bool(const HttpResponse& head, std::string_view piece)>;

  /// One exchange; returns within 0.2 s of a cancellation. Any status of the server is a response;
  /// a failure is what kept one from coming whole: kUnavailable (no connection, closed early,
  /// stalled, offline), kCancelled, kResourceExhausted (too long), kInvalidInput (URL, method or
  /// header). Messages name host and port, never a key, a path or a query.
  /// @param failure  if given, which of these it was; kNone on a response.
  Result<HttpResponse> send(const HttpRequest& request, const CancelToken* cancel = nullptr,
                            const Receiver& receiver = {}, HttpFailure* failure = nullptr);

 private:
  class Pool;
  HttpOptions options_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace maie::net
