#include "server/believed_clock.h"

#include <time.h>

#include <cstdlib>

namespace maie::server {
namespace {

int64_t read_ms(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

CareClocks CareClocks::of_system() {
  return {.wall_ms = [] { return read_ms(CLOCK_REALTIME); },
          .boot_ms = [] { return read_ms(CLOCK_BOOTTIME); }};
}

BelievedClock::BelievedClock(CareClocks clocks)
    : clocks_(std::move(clocks)), offset_ms_(clocks_.wall_ms() - clocks_.boot_ms()) {}

int64_t BelievedClock::now_ms() {
  const std::scoped_lock lock(mutex_);
  const int64_t boot = clocks_.boot_ms();
  const int64_t offset = clocks_.wall_ms() - boot;
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
