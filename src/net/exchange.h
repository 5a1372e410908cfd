#pragma once

#include <curl/curl.h>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "net/http_client.h"
#include "net/url.h"

namespace maie::net {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

/// A handle of libcurl with the connections it keeps. One thread at a time.
struct Line {
  // In this order: the handle goes before the connections do.
  std::unique_ptr<CURLM, FreeMulti> multi{curl_multi_init()};
  std::unique_ptr<CURL, FreeEasy> easy{curl_easy_init()};
  std::string origin;  ///< where its last connection led
};

/// One request and its answer, without redirects. We turn libcurl's wheel ourselves instead of
/// calling curl_easy_perform, because that one looks up only once a second, too seldom for a
/// cancellation within 0.2 s; and the limits are measured here, to the byte.
class Exchange {
 public:
  using Clock = std::chrono::steady_clock;

  struct Setup {
    const HttpOptions& options;
    const HttpRequest& request;
    const Url& url;
    const CancelToken* cancel;
    const HttpClient::Receiver& receiver;
    std::optional<Clock::time_point> deadline;
  };

  Exchange(Line& line, const Setup& setup) : line_(line), setup_(setup) {}

  /// Runs it to its end. Throws only what the receiver threw.
  Status run();

  HttpResponse response;
  HttpFailure failure = HttpFailure::kNone;

 private:
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  Status prepare();
  void set_method();
  void set_proxy_and_certificates();
  CURLcode turn();
  bool within_limits();
  bool take_header(std::string_view line);
  bool take_body(std::string_view piece);
  bool stop(HttpFailure why, Status status);
  Status failed(CURLcode code);

  static size_t on_header(char* data, size_t one, size_t size, void* self);
  static size_t on_body(char* data, size_t one, size_t size, void* self);

  Line& line_;
  const Setup& setup_;
  std::unique_ptr<curl_slist, FreeList> headers_;
  char error_text_[CURL_ERROR_SIZE] = "";
  size_t head_bytes_ = 0;
  uint64_t body_bytes_ = 0;
  curl_off_t sent_bytes_ = 0;
  bool head_ended_ = false;
  bool body_began_ = false;
  bool cut_ = false;  // ended by us, though the answer stands
  Clock::time_point last_byte_;
  Status stopped_;
  std::exception_ptr thrown_;
};

}  // namespace maie::net
