#pragma once

#include <cstdint>
#include <string>

namespace maie {

/// Where the time comes from, so that tests can bring their own. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Unix time in milliseconds, UTC. It may jump, either way.
  virtual int64_t wall_ms() const = 0;
  /// Milliseconds since the machine was started, sleep included. Never jumps; the same for all
  /// processes of a machine.
  virtual int64_t boot_ms() const = 0;
  /// Another one after every start of the machine.
  virtual std::string boot_id() const = 0;
};

/// The clock of this machine.
const Clock& system_clock();

}  // namespace maie
