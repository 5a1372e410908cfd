#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/settings.h"
#include "server/http/message.h"
#include "server/http/router.h"

namespace maie::server {

/// Keys of clients. Any thread; `replace` takes effect for the next check.
class KeyRing {
 public:
  struct Key {
    std::string name;  ///< what logs and tasks call it: "key-1", never the key
    std::string value;
  };
  explicit KeyRing(std::vector<Key> keys);
  ~KeyRing();
  void replace(std::vector<Key> keys);
  /// Authorization: Bearer, then X-API-Key. Constant-time over all keys. @returns the name;
  /// kPermissionDenied with the sentence of docs/spec/service.md, 1.2 otherwise.
  Result<std::string> check(const http::Headers& headers) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The keys that the settings name; where they name none, the one of <data>/api.key, made when
/// absent (mode 0600) but in production, which gets kInvalidInput.
Result<std::vector<KeyRing::Key>> keys_of(const config::Settings& settings);

/// Fixed windows per client (docs/spec/service.md, 1.3), of at most kMostClients of them: beyond
/// that the oldest window is forgotten. Any thread.
class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;
  /// @param now  the clock; a test has its own
  explicit RateLimit(const config::RateLimitSettings& settings,
                     std::function<Clock::time_point()> now = Clock::now);
  ~RateLimit();
  struct Verdict {
    bool allowed = true;
    int limit = 0, remaining = 0, reset_s = 0, window_s = 0;
  };
  static constexpr size_t kMostClients = 10'000;
  /// Counts one request; with a limit that is off, everything is allowed and `limit` is 0.
  Verdict count(std::string_view client);
  /// RateLimit-* and X-RateLimit-*, and Retry-After when refused.
  static void add_headers(const Verdict& verdict, http::Headers& headers);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maie::server
