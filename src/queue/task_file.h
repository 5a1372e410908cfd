#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "base/clock.h"
#include "queue/database_file.h"
#include "queue/door.h"
#include "queue/folder_lock.h"
#include "queue/sqlite_queue.h"

namespace maie::queue {

/// queue.db of a folder, repaired when it is damaged: when it is opened, and while it is in use.
///
/// Who meets damage leaves a mark in the folder. Every process that uses the folder sees the mark
/// before its next read or write, closes its connections and lets go of the folder; the first that
/// finds itself alone repairs the file, the others wait for it, and all open what is there then.
/// What met the damage runs a second time, so that callers notice a delay and nothing else; who
/// would wait for longer than the busy timeout gets kUnavailable.
///
/// Where a process does not let go (it is stopped, or of an older version), the damaged file is
/// opened again after SqliteOptions::patience_s: what is readable is served, the rest is kCorrupt,
/// and what is asked a while later begins anew. Between two repairs there is the same while, so
/// that a disk that damages all that it stores is not filled with copies. Any thread.
class TaskFile {
 public:
  /// Repairs a damaged file when nobody else uses the folder; else kCorrupt. Others are let in by
  /// let_others_in().
  static Result<std::unique_ptr<TaskFile>> open(const SqliteOptions& options, const Clock& clock);
  /// Whether the machine was started anew since somebody used the folder, and nobody else does.
  bool is_first_of_this_boot() const { return first_of_this_boot_; }
  Status let_others_in() { return lock_.share(); }

  /// As those of DatabaseFile. @param body may run twice: it starts from nothing each time.
  template <class Body>
  auto read(const Body& body) -> decltype(body(std::declval<Database&>())) {
    return use([&](DatabaseFile& file) { return file.read(body); });
  }
  template <class Body>
  auto write(const Body& body) -> decltype(body(std::declval<Database&>())) {
    return use([&](DatabaseFile& file) { return file.write(body); });
  }
  Result<int64_t> version() {
    return use([](DatabaseFile& file) { return file.version(); });
  }
  /// Whether the next read or write will look after damage first. Touches memory only.
  bool needs_care() const;
  int64_t commits();  ///< since it was opened or repaired; for measurements

 private:
  TaskFile(const SqliteOptions& options, const Clock& clock, FolderLock lock)
      : folder_(options.folder),
        busy_timeout_s_(options.busy_timeout_s),
        patience_s_(options.patience_s),
        clock_(clock),
        lock_(std::move(lock)) {}

  template <class Action>
  auto use(const Action& action) -> decltype(action(std::declval<DatabaseFile&>())) {
    for (bool again = false;; again = true) {
      if (needs_care()) take_care();
      const Door::Inside inside(door_, std::chrono::duration<double>(busy_timeout_s_));
      if (!inside) return unavailable("queue.db: it is being repaired; try again later");
      if (file_ == nullptr) return why_closed_;
      auto out = action(*file_);
      if (status_of(out).code() != Code::kCorrupt) return out;
      note_damage(status_of(out));
      if (again) return out;
    }
  }
  void note_damage(const Status& status);
  void take_care();
  Status exchange();
  Status open_file();
  Status open_or_repair(bool check_first);

  const std::string folder_;
  const double busy_timeout_s_, patience_s_;
  const Clock& clock_;
  bool first_of_this_boot_ = false;

  Door door_;
  // Of who is inside, to read; of who has closed the door, to change:
  FolderLock lock_;
  std::unique_ptr<DatabaseFile> file_;  // null where it could not be opened again
  Status why_closed_;

  std::atomic<bool> is_closed_{false};
  std::atomic<std::chrono::steady_clock::time_point> next_care_{};
};

}  // namespace maie::queue
