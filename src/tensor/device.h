#pragma once

#include <memory>
#include <string>

#include "base/check.h"
#include "base/threads.h"

namespace maie {

/// Where bytes live and work happens. A run-time value: no code above `ops` knows one by name.
struct Device {
  enum class Kind { kCpu, kCuda };
  Kind kind = Kind::kCpu;
  int index = 0;
  friend bool operator==(const Device&, const Device&) = default;
};

std::string to_string(Device device);

/// An in-order queue of work on one device. On the CPU work is done when the call returns, by the
/// team of threads the stream was made with. One thread at a time.
class Stream {
 public:
  /// A CPU stream over a team that outlives it.
  explicit Stream(ThreadPool& threads) : threads_(&threads) {}
  /// A stream for dry runs: ops on it check their shapes and do no work (see Arena).
  static Stream dry_run(Device device) { return Stream(device); }

  bool is_dry_run() const { return threads_ == nullptr; }
  Device device() const { return device_; }
  /// The team behind a CPU stream.
  ThreadPool& threads() const {
    check(threads_ != nullptr, "a dry run does no work");
    return *threads_;
  }
  /// Returns when all work queued so far is done.
  void wait() {}

 private:
  explicit Stream(Device device) : device_(device) {}

  Device device_;
  ThreadPool* threads_ = nullptr;
};

}  // namespace maie
