#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "queue/task_queue.h"

namespace maie::queue {

struct SqliteOptions {
  std::string folder;             ///< holds queue.db and live.db; made when absent
  double busy_timeout_s = 5;      ///< of a locked database
  double poll_interval_s = 0.02;  ///< of wait_for_change
  const Clock* clock = nullptr;   ///< the machine's when null; outlives the queue
  bool check_first = true;        ///< look for damage when nobody else uses the folder (repair.h)
  double patience_s = 10;         ///< of a repair, for other processes to let go of the folder
};

/// The queue in SQLite files of one folder: queue.db (WAL, synchronous=FULL) for what must last,
/// live.db (synchronous=OFF) for progress and events, made anew when it is damaged. Several
/// processes of one machine may open the same folder.
///
/// A damaged queue.db is repaired when it is opened, or while it is in use (task_file.h): what can
/// still be read is copied to a new file, the damaged one stays as queue.db.corrupt-<time>, and the
/// log says how many tasks were saved.
Result<std::unique_ptr<TaskQueue>> open_sqlite_queue(const SqliteOptions& options);

}  // namespace maie::queue
