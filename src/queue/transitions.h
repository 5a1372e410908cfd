#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "queue/database.h"
#include "queue/task.h"

namespace maie::queue {

/// Both clocks at one moment.
struct Moment {
  WallMs wall = 0;
  int64_t boot = 0;
};

/// Columns of the table `task` in the order task_of reads them.
extern const std::string kTaskColumns;
constexpr int kTaskColumnCount = 23;  ///< a column of the caller comes behind
Task task_of(const Row& row);

/// What a change of state needs to know of a task.
struct Standing {
  int64_t number = 0;  ///< primary key
  std::string id;
  TaskState state = TaskState::kQueued;
  std::string stage;
  bool cancel_requested = false;
  int attempts = 0, max_attempts = 0;
  int64_t leases = 0;  ///< how often it was taken, those included that did not count
  int64_t result_ttl_ms = 0;
};

extern const std::string kStandingColumns;
Standing standing_of(const Row& row);
Result<std::optional<Standing>> find_standing(Database& db, std::string_view id);
/// The task of a lease; kNotFound "the lease was lost" when it is not held any more.
Result<Standing> held_task(Database& db, const Lease& lease);

/// The next number in the order of changes; meta.change of either file.
Result<int64_t> next_change(Database& db);

/// running or queued -> succeeded, failed, cancelled. Its time to live begins now.
struct Ending {
  TaskState state = TaskState::kSucceeded;
  TaskError error = {};
  bool dead = false;  ///< it used up its attempts
};
Status end_task(Database& db, const Standing& task, const Ending& ending, Moment now);

/// any -> queued
struct Offer {
  TaskError error = {};  ///< why the last attempt ended
  int attempts = 0;
  int64_t delay_ms = 0;
};
Status offer_task(Database& db, const Standing& task, const Offer& offer, Moment now);

/// running -> queued, failed or cancelled: its worker is gone.
Result<TaskState> lose_attempt(Database& db, const Standing& task, Moment now);

/// Forgets a task and all that belongs to it.
Status erase_task(Database& db, int64_t number);

}  // namespace maie::queue
