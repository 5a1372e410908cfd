#include "queue/sqlite_queue.h"

#include <filesystem>

#include "queue/sqlite_engine.h"
#include "queue/sqlite_live.h"

namespace maie::queue {
namespace {

namespace fs = std::filesystem;

}  // namespace

SqliteQueue::SqliteQueue(const SqliteOptions& options, std::unique_ptr<TaskFile> tasks)
    : options_(options),
      clock_(options.clock != nullptr ? *options.clock : system_clock()),
      tasks_(std::move(tasks)) {}

Result<std::unique_ptr<TaskQueue>> SqliteQueue::open(const SqliteOptions& options) {
  std::error_code error;
  fs::create_directories(options.folder, error);
  if (error) return errno_status("the folder of the queue, " + options.folder, error.value());
  const Clock& clock = options.clock != nullptr ? *options.clock : system_clock();
  MAIE_ASSIGN(std::unique_ptr<TaskFile> tasks, TaskFile::open(options, clock));
  // Written without waiting for the disk, live.db is not to be trusted after a power cut.
  if (tasks->is_first_of_this_boot()) remove_live_files(options.folder);
  std::unique_ptr<SqliteQueue> queue(new SqliteQueue(options, std::move(tasks)));
  MAIE_ASSIGN(const LiveFile live, queue->live());
  MAIE_TRY(queue->tasks_->let_others_in());
  return std::unique_ptr<TaskQueue>(std::move(queue));
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
