#pragma once

#include <atomic>
#include <chrono>
#include <optional>

#include "base/status.h"

namespace maie {

/// A request to stop, shared by the one who asks and the one who works. `cancel` may be called from
/// any thread and from a signal handler; the deadline is set before work starts.
class CancelToken {
 public:
  using Clock = std::chrono::steady_clock;

  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  void set_deadline(Clock::time_point deadline) { deadline_ = deadline; }

  bool is_cancelled() const {
    return cancelled_.load(std::memory_order_relaxed) || (deadline_ && Clock::now() >= *deadline_);
  }

  /// kCancelled once a stop was asked for or the deadline has passed.
  Status status() const { return is_cancelled() ? cancelled("stopped on request") : Status(); }

 private:
  std::atomic<bool> cancelled_{false};
  std::optional<Clock::time_point> deadline_;
};

}  // namespace maie
