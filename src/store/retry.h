#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/cancel.h"
#include "base/status.h"

namespace maie::store {

/// When a request is tried again: after 1, 2, 4, 8, 16 seconds less something at random, or when
/// the server says.
struct RetryPolicy {
  int tries = 5;  ///< in a row without a new byte
  double first_wait_s = 1;
  double longest_wait_s = 300;  ///< a server that asks for more is not waited for
  /// Told before each wait, from any thread.
  std::function<void(const std::string& why, double wait_s)> on_wait{};
};

/// Waits before try number `failures` + 1.
/// @param asked_s  what the server asks for, if it does
/// @return kUnavailable with `why` when no try is left or the server asks for too much, kCancelled
Status wait_for_next_try(const RetryPolicy& policy, int failures, std::optional<double> asked_s,
                         const std::string& why, const CancelToken* cancel);

}  // namespace maie::store
