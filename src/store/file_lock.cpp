#include "store/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace maie::store {

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Result<FileLock> FileLock::try_now(const std::string& path, Mode mode) {
  FileLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (lock.descriptor_ < 0) return errno_status(path, errno);
  const int how = (mode == Mode::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB;
  while (::flock(lock.descriptor_, how) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return unavailable(path + ": another program holds this lock");
    return errno_status(path, errno);
  }
  return lock;
}

Result<FileLock> FileLock::wait(const std::string& path, Mode mode, const CancelToken* cancel,
                                const std::function<void()>& on_wait) {
  for (bool first = true;; first = false) {
    Result<FileLock> lock = try_now(path, mode);
    if (lock.has_value() || lock.error().code() != Code::kUnavailable) return lock;
    if (first && on_wait) on_wait();
    if (cancel != nullptr && cancel->is_cancelled()) return cancel->status();
    // Asked again and again, as a blocking flock could not be cancelled.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace maie::store
