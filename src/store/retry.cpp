#include "store/retry.h"

#include <cstdint>

#include "net/retry.h"

namespace maie::store {

Status wait_for_next_try(const RetryPolicy& policy, int failures, std::optional<double> asked_s,
                         const std::string& why, const CancelToken* cancel) {
  if (failures >= policy.tries) {
    return unavailable(why + " (tried " + std::to_string(failures) +
                       " times); run the same command again later, it goes on where it stopped");
  }
  if (asked_s && *asked_s > policy.longest_wait_s) {
    return unavailable(why + "; the server asks to come back in " +
                       std::to_string(int64_t(*asked_s)) + " s");
  }
  net::Backoff backoff(policy.first_wait_s, policy.longest_wait_s);
  const double wait_s = asked_s ? *asked_s : backoff.pause_s(failures);
  if (policy.on_wait) policy.on_wait(why, wait_s);
  return net::pause(wait_s, cancel);
}

}  // namespace maie::store
