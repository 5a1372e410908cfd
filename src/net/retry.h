#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <optional>

#include "base/cancel.h"
#include "base/status.h"
#include "net/http_client.h"

namespace maie::net {

/// Whether the same request may do better later: 408, 429 and 5xx, but for 501 and 505.
bool may_pass(int status);

/// Seconds for which an answer asks to be left alone: Retry-After (seconds, or a date after `now`),
/// Retry-After-Ms, or the reset time in RateLimit (`"api";r=0;t=55`, or `reset=55`). Absent when it
/// does not say. Not bounded: the caller has its own patience.
std::optional<double> asked_pause_s(const HttpResponse& response, std::time_t now);

/// Pauses between tries that double, each shortened at random by up to half, so that clients turned
/// away together do not come back together. Any thread.
class Backoff {
 public:
  Backoff(double first_s, double longest_s);
  /// @param tries  so far, at least 1.
  double pause_s(int tries);

 private:
  double first_s_, longest_s_;
  std::atomic<uint64_t> state_;
};

/// Waits; kCancelled within 0.1 s of a cancellation.
Status pause(double seconds, const CancelToken* cancel);

}  // namespace maie::net
