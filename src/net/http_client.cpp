#include "net/http_client.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <mutex>

#include "base/ascii.h"
#include "net/exchange.h"

namespace maie::net {
namespace {

constexpr size_t kIdleLines = 16;  // kept beyond their exchange; each holds few connections

// A closed connection must not end the program: OpenSSL writes without MSG_NOSIGNAL. The signal is
// held back in this thread and taken away again, so that the program's own handling stands.
class HoldSigpipe {
 public:
  HoldSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~HoldSigpipe() {
    const timespec none{};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &none);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  HoldSigpipe(const HoldSigpipe&) = delete;
  HoldSigpipe& operator=(const HoldSigpipe&) = delete;

 private:
  sigset_t pipe_, before_;
  bool was_pending_;
};

bool is_redirect(const HttpResponse& response) {
  const int status = response.status;
  return (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) &&
         !response.header("location").empty();
}

// RFC 9110, 15.4: 303 asks for a GET, and so does practice after a POST at 301 and 302.
void change_method(int status, HttpRequest& request) {
  const bool was_post = request.method == "POST";
  if ((status == 303 && request.method != "HEAD") || (was_post && status <= 302)) {
    request.method = "GET";
    request.body.clear();
    std::erase_if(request.headers,
                  [](const auto& header) { return lower(header.first).starts_with("content-"); });
  }
}

bool is_secret(const std::string& header) {
  const std::string name = lower(header);
  return name == "authorization" || name == "cookie" || name == "x-api-key" || name == "api-key" ||
         name == "proxy-authorization";
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (auto it = headers.rbegin(); it != headers.rend(); ++it) {
    if (it->first == name) return it->second;
  }
  return {};
}

/// The lines that wait for their next exchange.
class HttpClient::Pool {
 public:
  Pool() {
    // Once in the program, never undone: other parts of it may use libcurl too.
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    check(ready == CURLE_OK, "libcurl cannot be started");
  }

  /// One that has been at `origin` if there is any, so that its connection serves again.
  std::unique_ptr<Line> take(const std::string& origin) {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Line>();
    auto it = std::find_if(idle_.rbegin(), idle_.rend(),
                           [&](const auto& line) { return line->origin == origin; });
    if (it == idle_.rend() && idle_.size() < kIdleLines) return std::make_unique<Line>();
    if (it == idle_.rend()) --it;  // the one unused for longest
    std::unique_ptr<Line> line = std::move(*it);
    idle_.erase(std::next(it).base());
    return line;
  }

  void give(std::unique_ptr<Line> line, std::string origin) {
    line->origin = std::move(origin);
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleLines) idle_.push_back(std::move(line));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Line>> idle_;
};

HttpClient::HttpClient(HttpOptions options)
    : options_(std::move(options)), pool_(std::make_unique<Pool>()) {}

HttpClient::~HttpClient() = default;

const HttpOptions& HttpClient::options() const { return options_; }

Result<HttpResponse> HttpClient::send(const HttpRequest& asked, const CancelToken* cancel,
                                      const Receiver& receiver, HttpFailure* failure) {
  HttpFailure ignored;
  HttpFailure& why = failure != nullptr ? *failure : ignored;
  why = HttpFailure::kRefused;
  MAIE_ASSIGN(Url url, parse_url(asked.url));
  if (options_.offline) {
    return unavailable(url.place() + ": not asked, because offline mode opens no connection");
  }
  std::optional<Exchange::Clock::time_point> deadline;
  if (asked.total_limit_s > 0) {
    deadline = Exchange::Clock::now() + std::chrono::duration_cast<Exchange::Clock::duration>(
                                            std::chrono::duration<double>(asked.total_limit_s));
  }
  const HoldSigpipe hold;
  const std::string origin = url.scheme + "://" + url.place();
  std::unique_ptr<Line> line = pool_->take(origin);
  HttpRequest request = asked;
  for (int redirects = 0;; ++redirects) {
    if (cancel != nullptr && cancel->is_cancelled()) {
      why = HttpFailure::kCancelled;
      return cancel->status();
    }
    const Exchange::Setup setup{options_, request, url, cancel, receiver, deadline};
    Exchange exchange(*line, setup);
    const Status status = exchange.run();
    why = exchange.failure;
    const bool leads_on =
        status.ok() && is_redirect(exchange.response) && request.redirects != Redirects::kNone;
    Result<Url> next = url;
    if (leads_on) {
      next = follow_location(url, std::string(exchange.response.header("location")));
    }
    const bool stays = next && next->same_origin(url);
    if (!leads_on || (!stays && request.redirects == Redirects::kSameOrigin)) {
      pool_->give(std::move(line), origin);
      if (!status.ok()) return status;
      return std::move(exchange.response);
    }
    why = HttpFailure::kRefused;
    MAIE_TRY(next.status());
    if (redirects >= options_.max_redirects) {
      return unavailable(url.place() + ": more than " + std::to_string(options_.max_redirects) +
                         " redirects, one after the other");
    }
    if (!stays) std::erase_if(request.headers, [](const auto& h) { return is_secret(h.first); });
    change_method(exchange.response.status, request);
    url = std::move(*next);
  }
}

}  // namespace maie::net
