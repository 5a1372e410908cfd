// Who waits. A waiter sleeps on a condition variable that this process's own writes ring; for those
// of other processes one of the waiters looks, every poll_interval_s, at SQLite's count of changes
// of both files, which lies in shared memory.
#include <algorithm>
#include <utility>

#include "queue/sqlite_engine.h"

namespace maie::queue {
namespace {

using SteadyClock = std::chrono::steady_clock;

Result<int64_t> change_of(Database& db) {
  MAIE_ASSIGN(const std::optional<int64_t> change,
              db.integer("SELECT value FROM meta WHERE name = 'change'"));
  return change.value_or(0);
}

}  // namespace

void SqliteQueue::announce_change() {
  {
    const std::lock_guard lock(change_mutex_);
    ++generation_;
  }
  changed_.notify_all();
}

// With change_mutex_ held.
Status SqliteQueue::look_for_changes() {
  last_look_ = SteadyClock::now();
  if (tasks_->needs_care()) {  // who waits asks, which looks after the damage
    ++generation_;
    changed_.notify_all();
    return {};
  }
  MAIE_ASSIGN(const int64_t tasks, tasks_->version());
  MAIE_ASSIGN(const LiveFile file, live());
  MAIE_ASSIGN(const int64_t live, file->version());
  const bool same = tasks == seen_tasks_ && live == seen_live_ && file == watched_live_;
  seen_tasks_ = tasks;
  seen_live_ = live;
  watched_live_ = file;
  if (same) return {};
  ++generation_;
  changed_.notify_all();
  return {};
}

Result<ChangeCursor> SqliteQueue::cursor() {
  ChangeCursor cursor;
  MAIE_ASSIGN(cursor.tasks, read(change_of));
  MAIE_ASSIGN(const LiveFile file, live());
  MAIE_ASSIGN(cursor.live, file->read(change_of));
  return cursor;
}

Result<ChangeCursor> SqliteQueue::wait_for_change(const ChangeCursor& seen,
                                                  std::chrono::milliseconds at_most,
                                                  const CancelToken& stop) {
  const auto interval = std::chrono::duration_cast<SteadyClock::duration>(
      std::chrono::duration<double>(options_.poll_interval_s));
  const auto until = SteadyClock::now() + at_most;
  const auto is_over = [&] { return stop.is_cancelled() || SteadyClock::now() >= until; };
  while (true) {
    std::unique_lock lock(change_mutex_);
    const uint64_t before = generation_;  // noted before looking, so that nothing is missed
    lock.unlock();
    MAIE_ASSIGN(const ChangeCursor cursor, this->cursor());
    if (cursor != seen || is_over()) return cursor;
    lock.lock();
    while (generation_ == before && !is_over()) {
      changed_.wait_until(lock, std::min(SteadyClock::now() + interval, until),
                          [&] { return generation_ != before; });
      if (generation_ == before && SteadyClock::now() - last_look_ >= interval)
        MAIE_TRY(look_for_changes());
    }
  }
}

Result<std::vector<Task>> SqliteQueue::changed_tasks(int64_t after, int limit) {
  static const std::string sql =
      "SELECT " + kTaskColumns + " FROM task WHERE change > ? ORDER BY change LIMIT ?";
  return read([&](Database& db) -> Result<std::vector<Task>> {
    std::vector<Task> out;
    MAIE_TRY(db.each(sql, {after, std::max(limit, 0)}, [&](const Row& row) {
      out.push_back(task_of(row));
      return true;
    }));
    return out;
  });
}

}  // namespace maie::queue
