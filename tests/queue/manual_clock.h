#pragma once

#include <atomic>
#include <string>

#include "base/clock.h"

namespace maie::queue {

/// A clock that stands still until a test moves it.
class ManualClock final : public Clock {
 public:
  int64_t wall_ms() const override { return wall_; }
  int64_t boot_ms() const override { return boot_; }
  std::string boot_id() const override { return "boot-" + std::to_string(starts_); }

  void pass(int64_t milliseconds) {
    wall_ += milliseconds;
    boot_ += milliseconds;
  }
  void jump(int64_t milliseconds) { wall_ += milliseconds; }
  /// The machine is off for so long, then started anew.
  void restart_machine(int64_t off_ms) {
    wall_ += off_ms;
    boot_ = 1000;
    ++starts_;
  }

 private:
  std::atomic<int64_t> wall_{1'750'000'000'000}, boot_{5'000'000};
  std::atomic<int> starts_{0};
};

}  // namespace maie::queue
