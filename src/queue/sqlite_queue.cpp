#include "queue/sqlite_queue.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "base/log.h"
#include "queue/adopt_boot.h"
#include "queue/repair.h"
#include "queue/schema.h"
#include "queue/sqlite_engine.h"
#include "queue/sqlite_live.h"

namespace maie::queue {
namespace {

namespace fs = std::filesystem;

struct OpenedTasks {
  std::unique_ptr<DatabaseFile> file;
  bool machine_was_restarted = false;
};

Result<OpenedTasks> open_tasks(const SqliteOptions& options, const Clock& clock) {
  OpenedTasks out;
  MAIE_ASSIGN(
      out.file,
      DatabaseFile::open(
          options.folder + "/queue.db", {.durable = true, .busy_timeout_s = options.busy_timeout_s},
          [&](Database& db) -> Status {
            MAIE_TRY(prepare_queue_tables(db));
            MAIE_ASSIGN(const std::optional<std::string> before,
                        db.text("SELECT value FROM meta WHERE name = 'boot_id'"));
            out.machine_was_restarted = before != clock.boot_id();
            return adopt_boot(db, clock.boot_id(), {clock.wall_ms(), clock.boot_ms()});
          }));
  return out;
}

// Opens queue.db; who is alone with a damaged one repairs it first.
Result<OpenedTasks> open_or_repair(const SqliteOptions& options, const Clock& clock, bool alone) {
  Status damage;
  if (alone) {
    MAIE_TRY(finish_repair(options.folder));
    damage = look_for_damage(options.folder);
  }
  if (damage.ok()) {
    Result<OpenedTasks> opened = open_tasks(options, clock);
    if (opened.has_value() || opened.error().code() != Code::kCorrupt) return opened;
    damage = opened.error();
  }
  if (damage.code() != Code::kCorrupt || !alone) return damage;
  log_error(damage.message());
  MAIE_TRY(repair(options.folder));
  return open_tasks(options, clock);
}

}  // namespace

SqliteQueue::SqliteQueue(const SqliteOptions& options, FolderLock lock,
                         std::unique_ptr<DatabaseFile> tasks)
    : options_(options),
      clock_(options.clock != nullptr ? *options.clock : system_clock()),
      lock_(std::move(lock)),
      tasks_(std::move(tasks)) {}

Result<std::unique_ptr<TaskQueue>> SqliteQueue::open(const SqliteOptions& options) {
  std::error_code error;
  fs::create_directories(options.folder, error);
  if (error) return errno_status("the folder of the queue, " + options.folder, error.value());
  const Clock& clock = options.clock != nullptr ? *options.clock : system_clock();
  MAIE_ASSIGN(FolderLock lock, FolderLock::take(options.folder, options.busy_timeout_s));
  MAIE_ASSIGN(OpenedTasks tasks, open_or_repair(options, clock, lock.is_alone()));
  // Written without waiting for the disk, live.db is not to be trusted after a power cut.
  if (lock.is_alone() && tasks.machine_was_restarted) remove_live_files(options.folder);
  std::unique_ptr<SqliteQueue> queue(
      new SqliteQueue(options, std::move(lock), std::move(tasks.file)));
  MAIE_ASSIGN(const LiveFile live, queue->live());
  MAIE_TRY(queue->lock_.share());
  return std::unique_ptr<TaskQueue>(std::move(queue));
}

void SqliteQueue::note(const Status& status) {
  if (status.code() != Code::kCorrupt || damage_noted_.exchange(true)) return;
  log_error(status.message());
  mark_as_damaged(options_.folder);
}

Status SqliteQueue::ping() {
  return read([](Database& db) -> Status {
    MAIE_ASSIGN(const std::optional<int64_t> change,
                db.integer("SELECT value FROM meta WHERE name = 'change'"));
    return change.has_value() ? Status() : corrupt("queue.db: its count of changes is missing");
  });
}

Result<std::unique_ptr<TaskQueue>> open_sqlite_queue(const SqliteOptions& options) {
  return SqliteQueue::open(options);
}

}  // namespace maie::queue
