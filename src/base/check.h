#pragma once

#include <stdexcept>
#include <string>

namespace maie {

/// We broke our own rule: a wrong shape, index or state. Stays on in release builds.
class ContractError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// A device launch or a library call of a backend failed.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] void fail_check(const char* what, const char* file, int line);

/// Throws ContractError with file and line unless `condition` holds.
/// (`__builtin_FILE` rather than std::source_location: g++, nvcc and clang-tidy all parse it.)
inline void check(bool condition, const char* what, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (!condition) fail_check(what, file, line);
}

}  // namespace maie
