#include "queue/transitions.h"

namespace maie::queue {

std::string_view to_string(TaskState state) {
  switch (state) {
    case TaskState::kQueued: return "queued";
    case TaskState::kRunning: return "running";
    case TaskState::kSucceeded: return "succeeded";
    case TaskState::kFailed: return "failed";
    case TaskState::kCancelled: return "cancelled";
  }
  return "unknown";
}

const std::string kTaskColumns =
    "id, kind, owner, request_id, traceparent, lane, priority, state, stage, cancel_requested, "
    "attempts, max_attempts, worker, error_code, error_message, error_stage, created, updated, "
    "started, finished, not_before, expires, change";

Task task_of(const Row& row) {
  int column = 0;
  Task task;
  for (std::string* text : {&task.id, &task.kind, &task.owner, &task.request_id, &task.traceparent})
    *text = row.text(column++);
  task.lane = Lane(row.integer(column++));
  task.priority = int(row.integer(column++));
  task.state = TaskState(row.integer(column++));
  task.stage = row.text(column++);
  task.cancel_requested = row.integer(column++) != 0;
  task.attempts = int(row.integer(column++));
  task.max_attempts = int(row.integer(column++));
  for (std::string* text : {&task.worker, &task.error.code, &task.error.message, &task.error.stage})
    *text = row.text(column++);
  task.created = row.integer(column++);
  task.updated = row.integer(column++);
  for (std::optional<WallMs>* time :
       {&task.started, &task.finished, &task.not_before, &task.expires})
    *time = row.maybe_integer(column++);
  task.change = row.integer(column++);
  return task;
}

const std::string kStandingColumns =
    "number, id, state, stage, cancel_requested, attempts, max_attempts, leases, result_ttl";

Standing standing_of(const Row& row) {
  return {.number = row.integer(0),
          .id = row.text(1),
          .state = TaskState(row.integer(2)),
          .stage = row.text(3),
          .cancel_requested = row.integer(4) != 0,
          .attempts = int(row.integer(5)),
          .max_attempts = int(row.integer(6)),
          .leases = row.integer(7),
          .result_ttl_ms = row.integer(8)};
}

Result<std::optional<Standing>> find_standing(Database& db, std::string_view id) {
  static const std::string sql = "SELECT " + kStandingColumns + " FROM task WHERE id = ?";
  std::optional<Standing> out;
  MAIE_TRY(db.each(sql, {id}, [&](const Row& row) {
    out = standing_of(row);
    return false;
  }));
  return out;
}

Result<Standing> held_task(Database& db, const Lease& lease) {
  static const std::string sql =
      "SELECT " + kStandingColumns + " FROM task WHERE id = ? AND state = 1 AND lease_token = ?";
  std::optional<Standing> out;
  MAIE_TRY(db.each(sql, {lease.task_id, lease.token}, [&](const Row& row) {
    out = standing_of(row);
    return false;
  }));
  if (out.has_value()) return std::move(*out);
  return not_found("the lease was lost: task " + lease.task_id +
                   " was taken back, ended or removed; drop this attempt");
}

Result<int64_t> next_change(Database& db) {
  MAIE_ASSIGN(const std::optional<int64_t> change,
              db.integer("UPDATE meta SET value = value + 1 WHERE name = 'change' "
                         "RETURNING value"));
  if (!change.has_value()) return corrupt(db.name() + ": its count of changes is missing");
  return *change;
}

Status end_task(Database& db, const Standing& task, const Ending& ending, Moment now) {
  MAIE_ASSIGN(const int64_t change, next_change(db));
  const bool forget = task.result_ttl_ms > 0;
  const TaskError& error = ending.error;
  return db.run(
      "UPDATE task SET state = ?, error_code = ?, error_message = ?, error_stage = ?, dead = ?, "
      "finished = ?, updated = ?, expires = ?, expires_boot = ?, lease_token = '', "
      "lease_until_boot = NULL, scheduled = 0, not_before = NULL, ready_boot = NULL, change = ? "
      "WHERE number = ?",
      {int(ending.state), error.code, error.message, error.stage, int(ending.dead), now.wall,
       now.wall, forget ? std::optional(now.wall + task.result_ttl_ms) : std::nullopt,
       forget ? std::optional(now.boot + task.result_ttl_ms) : std::nullopt, change, task.number});
}

Status offer_task(Database& db, const Standing& task, const Offer& offer, Moment now) {
  MAIE_ASSIGN(const int64_t change, next_change(db));
  const bool later = offer.delay_ms > 0;
  const TaskError& error = offer.error;
  return db.run(
      "UPDATE task SET state = 0, cancel_requested = 0, attempts = ?, error_code = ?, "
      "error_message = ?, error_stage = ?, dead = 0, started = NULL, finished = NULL, "
      "expires = NULL, expires_boot = NULL, lease_token = '', lease_until_boot = NULL, "
      "scheduled = ?, not_before = ?, ready_boot = ?, updated = ?, change = ? WHERE number = ?",
      {offer.attempts, error.code, error.message, error.stage, int(later),
       later ? std::optional(now.wall + offer.delay_ms) : std::nullopt,
       later ? std::optional(now.boot + offer.delay_ms) : std::nullopt, now.wall, change,
       task.number});
}

Result<TaskState> lose_attempt(Database& db, const Standing& task, Moment now) {
  if (task.cancel_requested) {
    MAIE_TRY(end_task(db, task, {TaskState::kCancelled}, now));
    return TaskState::kCancelled;
  }
  const bool last = task.attempts >= task.max_attempts;
  const std::string attempts =
      std::to_string(task.attempts) + " of " + std::to_string(task.max_attempts);
  const TaskError error{"WORKER_LOST",
                        "The worker was lost in attempt " + attempts +
                            (last ? "; no attempt is left" : "; the task is offered again"),
                        task.stage};
  if (last) {
    MAIE_TRY(end_task(db, task, {TaskState::kFailed, error, /*dead=*/true}, now));
    return TaskState::kFailed;
  }
  MAIE_TRY(offer_task(db, task, {.error = error, .attempts = task.attempts}, now));
  return TaskState::kQueued;
}

Status erase_task(Database& db, int64_t number) {
  for (const char* sql :
       {"DELETE FROM task WHERE number = ?", "DELETE FROM payload WHERE task = ?",
        "DELETE FROM result WHERE task = ?", "DELETE FROM checkpoint WHERE task = ?"})
    MAIE_TRY(db.run(sql, {number}));
  return {};
}

}  // namespace maie::queue
