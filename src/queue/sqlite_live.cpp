// What is live: progress, events and announcements of workers, in live.db. Nothing here waits for
// the disk, and a damaged file is replaced. Rows carry the task's count of leases, so that what a
// worker says after it lost its lease is dropped.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "queue/schema.h"
#include "queue/sqlite_engine.h"
#include "queue/sqlite_live.h"

namespace maie::queue {
namespace {

constexpr int64_t kKeptAfterEnd = 60'000;
constexpr int64_t kWorkersKept = 3'600'000;

Result<int64_t> lease_of(Database& db, const std::string& id) {
  MAIE_ASSIGN(const std::optional<int64_t> lease,
              db.integer("SELECT lease FROM live WHERE task = ?", {id}));
  return lease.value_or(-1);
}

Status drop(Database& db, const std::string& id) {
  MAIE_TRY(db.run("DELETE FROM event WHERE task = ?", {id}));
  return db.run("DELETE FROM live WHERE task = ?", {id});
}

// Makes the row of this lease, which ends what was said under older ones.
Status begin(Database& db, const Standing& task) {
  MAIE_ASSIGN(const int64_t lease, lease_of(db, task.id));
  if (lease == task.leases) return {};
  if (lease > task.leases)
    return not_found("the lease was lost: task " + task.id + " was taken by another worker");
  MAIE_TRY(drop(db, task.id));
  return db.run("INSERT INTO live (task, lease, attempt, change) VALUES (?, ?, ?, 0)",
                {task.id, task.leases, task.attempts});
}

Status write_progress(Database& db, const Standing& task, const LiveProgress& progress) {
  MAIE_TRY(begin(db, task));
  MAIE_ASSIGN(const int64_t change, next_change(db));
  return db.run(
      "UPDATE live SET stage = ?, fraction = ?, seconds_left = ?, change = ? WHERE task = ?",
      {progress.stage, progress.fraction, progress.seconds_left, change, task.id});
}

Status write_event(Database& db, const Standing& task, std::string_view data) {
  MAIE_TRY(begin(db, task));
  MAIE_ASSIGN(const int64_t change, next_change(db));
  MAIE_ASSIGN(const std::optional<int64_t> number,
              db.integer("UPDATE live SET events = events + 1, change = ? WHERE task = ? "
                         "RETURNING events",
                         {change, task.id}));
  return db.run("INSERT INTO event VALUES (?, ?, ?)", {task.id, number, Value::blob(data)});
}

struct LiveTask {
  std::string id;
  std::optional<int64_t> ended_boot;
  bool over = false;
};

}  // namespace

void remove_live_files(const std::string& folder) {
  for (const char* name : {"/live.db", "/live.db-wal", "/live.db-shm"})
    ::unlink((folder + name).c_str());
}

Result<SqliteQueue::LiveFile> SqliteQueue::open_live() {
  const std::string path = options_.folder + "/live.db";
  struct stat info {};
  const bool is_new = ::stat(path.c_str(), &info) != 0;
  MAIE_ASSIGN(
      std::unique_ptr<DatabaseFile> file,
      DatabaseFile::open(path, {.durable = false, .busy_timeout_s = options_.busy_timeout_s},
                         prepare_live_tables));
  if (is_new) {
    // A new file counts on from where no older one can have come to.
    MAIE_ASSIGN(const std::optional<int64_t> epoch, tasks_->write([](Database& db) {
      return db.integer(
          "UPDATE meta SET value = value + 1 WHERE name = 'live_epoch' RETURNING value");
    }));
    MAIE_TRY(file->write([&](Database& db) {
      return db.run("UPDATE meta SET value = max(value, ?) WHERE name = 'change'",
                    {epoch.value_or(1) << 36});
    }));
  }
  return LiveFile(std::move(file));
}

Result<SqliteQueue::LiveFile> SqliteQueue::live() {
  const std::lock_guard lock(live_mutex_);
  if (live_ != nullptr && live_->is_current()) return live_;
  live_.reset();
  Result<LiveFile> opened = open_live();
  if (!opened.has_value() && opened.error().code() == Code::kCorrupt) {
    log_warning("live.db was damaged and is made anew; only progress is lost");
    remove_live_files(options_.folder);
    opened = open_live();
  }
  if (opened.has_value()) live_ = *opened;
  return opened;
}

Status SqliteQueue::replace_live(const LiveFile& damaged) {
  const std::lock_guard lock(live_mutex_);
  // Another thread or process may have been faster: then the new file is opened, not removed.
  if (live_ == damaged && damaged->is_current()) {
    log_warning("live.db is damaged and is made anew; only progress is lost");
    remove_live_files(options_.folder);
  }
  return {};
}

template <class Use>
auto SqliteQueue::with_live(const Use& use) -> decltype(use(std::declval<DatabaseFile&>())) {
  MAIE_ASSIGN(const LiveFile file, live());
  auto out = use(*file);
  if (status_of(out).code() != Code::kCorrupt) return out;
  MAIE_TRY(replace_live(file));
  MAIE_ASSIGN(const LiveFile fresh, live());
  return use(*fresh);
}

template <class Body>
auto SqliteQueue::live_write(const Body& body) -> decltype(body(std::declval<Database&>())) {
  auto out = with_live([&](DatabaseFile& file) { return file.write(body); });
  announce_change();
  return out;
}

template <class Body>
auto SqliteQueue::live_read(const Body& body) -> decltype(body(std::declval<Database&>())) {
  return with_live([&](DatabaseFile& file) { return file.read(body); });
}

void SqliteQueue::begin_live(const Standing& task) {
  const Status begun = live_write([&](Database& db) { return begin(db, task); });
  if (!begun.ok()) log_warning("no progress of task " + task.id + ": " + begun.message());
}

void SqliteQueue::forget_live(const std::vector<std::string>& ids) {
  if (ids.empty()) return;
  const Status forgotten = live_write([&](Database& db) -> Status {
    for (const std::string& id : ids) MAIE_TRY(drop(db, id));
    return {};
  });
  if (!forgotten.ok()) log_warning("progress of removed tasks stays: " + forgotten.message());
}

// Marks the tasks that have ended and drops those whose end was seen a while ago.
Status SqliteQueue::tidy_live() {
  std::vector<LiveTask> tasks;
  MAIE_TRY(live_read([&](Database& db) {
    return db.each("SELECT task, ended_boot FROM live", {}, [&](const Row& row) {
      tasks.push_back({row.text(0), row.maybe_integer(1)});
      return true;
    });
  }));
  const int64_t boot = clock_.boot_ms();
  MAIE_TRY(read([&](Database& db) -> Status {
    for (LiveTask& task : tasks) {
      MAIE_ASSIGN(const std::optional<Standing> standing, find_standing(db, task.id));
      task.over = !standing.has_value() || is_final(standing->state);
    }
    return {};
  }));
  const auto is_as_noted = [&](const LiveTask& task) {
    if (!task.over) return !task.ended_boot.has_value();
    return task.ended_boot.has_value() && *task.ended_boot + kKeptAfterEnd > boot;
  };
  tasks.erase(std::remove_if(tasks.begin(), tasks.end(), is_as_noted), tasks.end());
  MAIE_ASSIGN(const std::optional<int64_t> old_workers, live_read([&](Database& db) {
                return db.integer("SELECT count(*) FROM worker WHERE seen_boot <= ?",
                                  {boot - kWorkersKept});
              }));
  if (tasks.empty() && old_workers == 0) return {};
  return live_write([&](Database& db) -> Status {
    for (const LiveTask& task : tasks) {
      if (task.over && task.ended_boot.has_value()) {
        MAIE_TRY(drop(db, task.id));
      } else {
        MAIE_TRY(db.run("UPDATE live SET ended_boot = ? WHERE task = ?",
                        {task.over ? std::optional(boot) : std::nullopt, task.id}));
      }
    }
    return db.run("DELETE FROM worker WHERE seen_boot <= ?", {boot - kWorkersKept});
  });
}

Status SqliteQueue::report(const Lease& lease, const LiveProgress& progress) {
  MAIE_ASSIGN(const Standing task, read([&](Database& db) { return held_task(db, lease); }));
  return live_write([&](Database& db) { return write_progress(db, task, progress); });
}

Status SqliteQueue::append_event(const Lease& lease, std::string_view data) {
  MAIE_ASSIGN(const Standing task, read([&](Database& db) { return held_task(db, lease); }));
  return live_write([&](Database& db) { return write_event(db, task, data); });
}

Result<std::optional<LiveProgress>> SqliteQueue::progress(std::string_view id) {
  return live_read([&](Database& db) -> Result<std::optional<LiveProgress>> {
    std::optional<LiveProgress> out;
    MAIE_TRY(db.each(
        "SELECT stage, fraction, seconds_left FROM live WHERE task = ? AND stage IS NOT NULL", {id},
        [&](const Row& row) {
          out = {row.text(0), row.real(1), std::nullopt};
          if (!row.is_null(2)) out->seconds_left = row.real(2);
          return false;
        }));
    return out;
  });
}

Result<std::vector<LiveEvent>> SqliteQueue::events(std::string_view id, int64_t after, int limit) {
  return live_read([&](Database& db) -> Result<std::vector<LiveEvent>> {
    std::vector<LiveEvent> out;
    MAIE_TRY(
        db.each("SELECT event.number, live.attempt, event.data FROM event "
                "JOIN live ON live.task = event.task "
                "WHERE event.task = ? AND event.number > ? ORDER BY event.number LIMIT ?",
                {id, after, std::max(limit, 0)}, [&](const Row& row) {
                  out.push_back({row.integer(0), int(row.integer(1)), row.text(2)});
                  return true;
                }));
    return out;
  });
}

Result<std::vector<std::string>> SqliteQueue::live_tasks(int64_t after) {
  return live_read([&](Database& db) -> Result<std::vector<std::string>> {
    std::vector<std::string> out;
    MAIE_TRY(db.each("SELECT task FROM live WHERE change > ? ORDER BY change", {after},
                     [&](const Row& row) {
                       out.push_back(row.text(0));
                       return true;
                     }));
    return out;
  });
}

Status SqliteQueue::announce(const WorkerRecord& worker) {
  const Moment at = now();
  return live_write([&](Database& db) {
    return db.run("INSERT OR REPLACE INTO worker VALUES (?, ?, ?, ?, ?)",
                  {worker.id, Value::blob(worker.status), worker.started, at.wall, at.boot});
  });
}

Status SqliteQueue::leave(std::string_view worker_id) {
  return live_write(
      [&](Database& db) { return db.run("DELETE FROM worker WHERE id = ?", {worker_id}); });
}

Result<std::vector<WorkerRecord>> SqliteQueue::workers(std::chrono::milliseconds ttl) {
  return live_read([&](Database& db) -> Result<std::vector<WorkerRecord>> {
    std::vector<WorkerRecord> out;
    MAIE_TRY(db.each("SELECT id, status, started, seen FROM worker WHERE seen_boot > ? ORDER BY id",
                     {clock_.boot_ms() - ttl.count()}, [&](const Row& row) {
                       out.push_back({row.text(0), row.text(1), row.integer(2), row.integer(3)});
                       return true;
                     }));
    return out;
  });
}

}  // namespace maie::queue
