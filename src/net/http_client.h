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

/// How connections are made, for the life of a client.
struct HttpOptions {
  bool offline = false;  ///< open no connection: every call is refused with kUnavailable
  double connect_timeout_s = 10;
  int max_redirects = 8;  ///< https never leads to http, and a key is not sent on to another host
  std::string user_agent = "maie";
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;                                           ///< http or https
  std::vector<std::pair<std::string, std::string>> headers;  ///< never logged
  std::string body;
  double stall_limit_s = 60;           ///< without a byte from the server
  double total_limit_s = 0;            ///< of the whole exchange; 0: none
  uint64_t max_body_bytes = 64 << 20;  ///< of the answer: more is refused
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::string body;                                          ///< empty when a receiver took it
  std::string url;                                           ///< after redirects

  /// The last header of that name (in lower case), or empty.
  std::string_view header(std::string_view name) const;
};

/// HTTP over libcurl, which stays behind this folder. Any thread; connections are kept and reused.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options = {});
  ~HttpClient();

  /// Takes the body piece by piece as it comes; false ends the exchange with kCancelled.
  using Receiver = std::function<bool(const HttpResponse& head, std::string_view piece)>;

  /// One exchange. Any status of the server is a response; a failure is what kept one from coming
  /// whole: kUnavailable (no connection, closed early, stalled, offline), kCancelled,
  /// kResourceExhausted (too long), kInvalidInput (the URL). Messages name host and port, never a
  /// key.
  Result<HttpResponse> send(const HttpRequest& request, const CancelToken* cancel = nullptr,
                            const Receiver& receiver = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace maie::net
