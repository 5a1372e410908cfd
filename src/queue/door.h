#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace maie::queue {

/// The door of what many use and one may exchange: who exchanges it closes the door, waits until
/// all have left, and opens it again. Any thread; who is inside must not enter again.
class Door {
 public:
  /// From construction to destruction of a successful one its owner is inside.
  class Inside {
   public:
    /// Waits in front of a closed door, `at_most` so long.
    Inside(Door& door, std::chrono::duration<double> at_most) : door_(door) {
      std::unique_lock lock(door_.mutex_);
      entered_ = door_.changed_.wait_for(lock, at_most, [&] { return !door_.closed_; });
      if (entered_) ++door_.inside_;
    }
    ~Inside() {
      if (!entered_) return;
      const std::lock_guard lock(door_.mutex_);
      if (--door_.inside_ == 0 && door_.closed_) door_.changed_.notify_all();
    }
    Inside(const Inside&) = delete;
    /// False: the door was closed for longer than `at_most`.
    explicit operator bool() const { return entered_; }

   private:
    Door& door_;
    bool entered_ = false;
  };

  /// Returns when nobody is inside. @returns false, at once, when somebody else has closed it.
  bool close() {
    std::unique_lock lock(mutex_);
    if (closed_) return false;
    closed_ = true;
    changed_.wait(lock, [&] { return inside_ == 0; });
    return true;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  bool closed_ = false;
};

}  // namespace maie::queue
