#pragma once

#include <functional>
#include <string>

#include "base/cancel.h"
#include "base/status.h"

namespace maie::store {

/// An advisory lock (flock) on a file of its own, as the hub's other tools take it; free again when
/// the object or the process ends, however it ends. One thread at a time.
class FileLock {
 public:
  enum class Mode { kShared, kExclusive };

  /// Waits until the lock is free.
  /// @param on_wait  called once when it is not free at first; may be empty
  /// @return kCancelled on cancel
  static Result<FileLock> wait(const std::string& path, Mode mode, const CancelToken* cancel,
                               const std::function<void()>& on_wait);
  /// kUnavailable when another holds it.
  static Result<FileLock> try_now(const std::string& path, Mode mode);

  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace maie::store
