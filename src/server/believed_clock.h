#pragma once

#include <cstdint>
#include <mutex>

#include "base/clock.h"

namespace maie::server {

/// The wall clock as far as it is believed when something is to be removed by its age: never ahead
/// of what the clock since boot allows. A jump forward is believed once it has lasted a day (a
/// board without battery learns the date late), one backward at once. Any thread.
class BelievedClock {
 public:
  static constexpr int64_t kDoubtMs = 24 * 3600 * 1000;  ///< how long a jump is not believed
  static constexpr int64_t kDriftMs = 60 * 1000;         ///< less is no jump

  explicit BelievedClock(const Clock& clock);
  int64_t now_ms();

 private:
  const Clock& clock_;
  std::mutex mutex_;           // guards the rest
  int64_t offset_ms_;          // wall less boot, as believed
  int64_t doubted_since_ = 0;  // by the clock since boot; 0: not doubted
  int64_t doubted_offset_ = 0;
};

}  // namespace maie::server
