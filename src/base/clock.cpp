#include "base/clock.h"

#include <ctime>

#include "base/file.h"

namespace maie {
namespace {

int64_t milliseconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

class SystemClock final : public Clock {
 public:
  int64_t wall_ms() const override { return milliseconds_of(CLOCK_REALTIME); }
  int64_t boot_ms() const override { return milliseconds_of(CLOCK_BOOTTIME); }
  std::string boot_id() const override {
    Result<std::string> id = read_file("/proc/sys/kernel/random/boot_id", 64);
    if (!id.has_value()) return "unknown";  // a container without /proc: as if it never restarted
    while (!id->empty() && id->back() == '\n') id->pop_back();
    return std::move(*id);
  }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace maie
