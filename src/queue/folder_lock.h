#pragma once

#include <string>
#include <utility>

#include "base/status.h"

namespace maie::queue {

/// Tells whether this is the only user of a queue's folder: who is alone may repair its files.
/// Held in a file `queue.lock` until the object goes; the kernel takes it back from a process that
/// was killed.
class FolderLock {
 public:
  /// Alone when nobody else holds it; else shared. While somebody else is alone (it opens or
  /// repairs the files) this waits, `timeout_s` at most, then kUnavailable.
  static Result<FolderLock> take(const std::string& folder, double timeout_s);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept
      : path_(std::move(other.path_)),
        descriptor_(std::exchange(other.descriptor_, -1)),
        alone_(other.alone_) {}
  FolderLock& operator=(FolderLock&&) = delete;

  bool is_alone() const { return alone_; }
  /// Lets others in. Atomic: nobody else is alone in between.
  Status share();

  /// Gives it up; the two below take it again.
  void let_go();
  /// True when nobody else holds it: then this is alone. Else what was held stays.
  Result<bool> try_alone();
  /// Whether another one is alone: it opens or repairs the files.
  bool is_another_alone() const;
  /// Alone or shared, as take().
  Status join(double timeout_s);

 private:
  FolderLock(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  std::string path_;
  int descriptor_ = -1;
  bool alone_ = false;
};

}  // namespace maie::queue
