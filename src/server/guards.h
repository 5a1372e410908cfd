#pragma once

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
  /// Constant-time over all keys. @returns the name; kPermissionDenied with the sentence of
  /// docs/spec/service.md, 1.2 otherwise.
  Result<std::string> check(const http::Headers& headers) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The keys that the settings name; where there are none in development, the one of
/// <data>/api.key, made when absent (mode 0600).
Result<std::vector<KeyRing::Key>> keys_of(const config::Settings& settings);

/// Fixed windows per client (docs/spec/service.md, 1.3), at most so many clients remembered. Any
/// thread.
class RateLimit {
 public:
  explicit RateLimit(const config::RateLimitSettings& settings);
  ~RateLimit();
  struct Verdict {
    bool allowed = true;
    int limit = 0, remaining = 0, reset_s = 0, window_s = 0;
  };
  Verdict count(std::string_view client);
  /// RateLimit-* and X-RateLimit-*, and Retry-After when refused.
  static void add_headers(const Verdict& verdict, http::Headers& headers);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maie::server
