#include "server/believed_clock.h"

#include <cstdlib>

namespace maie::server {

BelievedClock::BelievedClock(const Clock& clock)
    : clock_(clock), offset_ms_(clock_.wall_ms() - clock_.boot_ms()) {}

int64_t BelievedClock::now_ms() {
  const std::scoped_lock lock(mutex_);
  const int64_t boot = clock_.boot_ms();
  const int64_t offset = clock_.wall_ms() - boot;
  if (offset <= offset_ms_ + kDriftMs) {  // as before, drifting, or set back
    offset_ms_ = offset;
    doubted_since_ = 0;
    return boot + offset;
  }
  const bool same_jump = doubted_since_ != 0 && std::llabs(offset - doubted_offset_) <= kDriftMs;
  if (!same_jump) {
    doubted_since_ = boot == 0 ? 1 : boot;
    doubted_offset_ = offset;
  } else if (boot - doubted_since_ >= kDoubtMs) {
    offset_ms_ = offset;
    doubted_since_ = 0;
  }
  return boot + offset_ms_;
}

}  // namespace maie::server
