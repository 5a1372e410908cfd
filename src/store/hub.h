#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/status.h"
#include "net/http_client.h"
#include "store/hub_listing.h"
#include "store/retry.h"
#include "store/settings.h"

namespace maie::store {

/// A hub, or a mirror of one, over HTTP (docs/spec/interfaces.md section 8). Any thread.
class Hub {
 public:
  /// @param client    outlives this object
  /// @param settings  endpoint, token, limits of time. The token is sent to the endpoint alone, and
  ///                  only over https or within this machine
  Hub(net::HttpClient& client, const Settings& settings, RetryPolicy retry);

  /// The files of a revision, as of the commit it stands for now.
  Result<HubListing> list(const std::string& repo, const std::string& revision,
                          const CancelToken* cancel);

  /// A small file as text; kInvalidInput when it is longer than `limit_bytes`.
  Result<std::string> read(const std::string& repo, const std::string& commit,
                           const std::string& path, uint64_t limit_bytes,
                           const CancelToken* cancel);

  /// The request for the bytes of a file; the caller adds its range.
  net::HttpRequest file_request(const std::string& repo, const std::string& commit,
                                const std::string& path) const;

  /// A status of the server that does not pass by itself, as a sentence. `what` is "org/name" or
  /// "org/name, file". nullopt for those worth another try (net::may_pass).
  std::optional<Status> refusal(const net::HttpResponse& response, const std::string& what) const;

  net::HttpClient& client() const { return client_; }
  const RetryPolicy& retry() const { return retry_; }
  bool has_token() const { return !authorization_.empty(); }

 private:
  net::HttpRequest request(std::string url) const;
  Result<net::HttpResponse> get(const std::string& url, uint64_t limit_bytes,
                                const std::string& what, const CancelToken* cancel);

  net::HttpClient& client_;
  std::string endpoint_;
  std::string authorization_;
  double stall_limit_s_;  ///< of questions; a download has its own
  RetryPolicy retry_;
};

}  // namespace maie::store
