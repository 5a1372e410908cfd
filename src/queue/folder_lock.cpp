#include "queue/folder_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace maie::queue {
namespace {

// A lock of the open file, not of the process: two queues of one process see each other's. Unlike
// flock(2) it is turned from exclusive to shared without a gap.
struct flock first_byte(short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_len = 1;
  return range;
}

int lock(int descriptor, short type) {
  struct flock range = first_byte(type);
  return ::fcntl(descriptor, F_OFD_SETLK, &range) == 0 ? 0 : errno;
}

bool is_held_by_another(int error) { return error == EAGAIN || error == EACCES || error == EINTR; }

}  // namespace

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<FolderLock> FolderLock::take(const std::string& folder, double timeout_s) {
  const std::string path = folder + "/queue.lock";
  FolderLock mine(path, ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (mine.descriptor_ < 0)
    return errno_status(path, errno).within("the queue cannot open its lock");
  MAIE_TRY(mine.join(timeout_s));
  return mine;
}

Result<bool> FolderLock::try_alone() {
  const int error = lock(descriptor_, F_WRLCK);
  alone_ = error == 0;
  if (!alone_ && !is_held_by_another(error)) return errno_status(path_, error);
  return alone_;
}

bool FolderLock::is_another_alone() const {
  struct flock range = first_byte(F_RDLCK);  // becomes the lock that is in the way, if any
  return ::fcntl(descriptor_, F_OFD_GETLK, &range) == 0 && range.l_type == F_WRLCK;
}

Status FolderLock::join(double timeout_s) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::duration<double>(timeout_s);
  while (true) {
    MAIE_ASSIGN(const bool alone, try_alone());
    if (alone) return {};
    const int error = lock(descriptor_, F_RDLCK);
    if (error == 0) return {};
    if (!is_held_by_another(error)) return errno_status(path_, error);
    if (Clock::now() >= until)
      return unavailable(path_ + ": another process has been opening or repairing the queue for " +
                         "longer than the busy timeout; wait for it or stop it");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void FolderLock::let_go() {
  (void)lock(descriptor_, F_UNLCK);
  alone_ = false;
}

Status FolderLock::share() {
  const int error = lock(descriptor_, F_RDLCK);
  if (error != 0) return errno_status("queue.lock", error);
  alone_ = false;
  return {};
}

}  // namespace maie::queue
