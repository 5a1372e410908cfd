// Who works: taking a task, and what only the holder of its lease may do.
#include "base/secret.h"
#include "queue/sqlite_engine.h"

namespace maie::queue {
namespace {

// Asked first on a reader, so that a worker with nothing to do never takes the lock of writers.
Result<bool> something_is_ready(Database& db, Lane lane, Moment now) {
  MAIE_ASSIGN(
      const std::optional<int64_t> ready,
      db.integer(
          "SELECT EXISTS (SELECT 1 FROM task WHERE state = 0 AND lane = ? AND scheduled = 0) OR "
          "EXISTS (SELECT 1 FROM task WHERE state = 0 AND scheduled = 1 AND ready_boot <= ?)",
          {int(lane), now.boot}));
  return ready.value_or(0) != 0;
}

// The primary key of the task that goes next.
Result<std::optional<int64_t>> next_in_line(Database& db, Lane lane, Moment now) {
  MAIE_TRY(
      db.run("UPDATE task SET scheduled = 0 "
             "WHERE state = 0 AND scheduled = 1 AND ready_boot <= ?",
             {now.boot}));
  return db.integer(
      "SELECT number FROM task WHERE state = 0 AND lane = ? AND scheduled = 0 "
      "ORDER BY priority DESC, number LIMIT 1",
      {int(lane)});
}

Status lend(Database& db, int64_t number, const ClaimRequest& request, const std::string& token,
            Moment now) {
  MAIE_ASSIGN(const int64_t change, next_change(db));
  return db.run(
      "UPDATE task SET state = 1, attempts = attempts + 1, leases = leases + 1, worker = ?, "
      "lease_token = ?, lease_until_boot = ?, started = ?, updated = ?, stage = '', "
      "error_code = '', error_message = '', error_stage = '', scheduled = 0, not_before = NULL, "
      "ready_boot = NULL, change = ? WHERE number = ?",
      {request.worker, token, now.boot + request.lease.count(), now.wall, now.wall, change,
       number});
}

struct Claimed {
  LeasedTask leased;
  Standing standing;
};

Result<std::optional<Claimed>> claim_next(Database& db, const ClaimRequest& request, Moment now) {
  static const std::string sql =
      "SELECT " + kTaskColumns +
      ", (SELECT data FROM payload WHERE payload.task = number), leases FROM task "
      "WHERE number = ?";
  MAIE_ASSIGN(const std::optional<int64_t> number, next_in_line(db, request.lane, now));
  if (!number.has_value()) return std::optional<Claimed>();
  std::string token = random_hex(16);
  MAIE_TRY(lend(db, *number, request, token, now));
  Claimed out;
  MAIE_TRY(db.each(sql, {*number}, [&](const Row& row) {
    out.leased.task = task_of(row);
    out.leased.task.payload = row.text(kTaskColumnCount);
    out.standing.leases = row.integer(kTaskColumnCount + 1);
    return false;
  }));
  const Task& task = out.leased.task;
  out.standing.id = task.id;
  out.standing.attempts = task.attempts;
  out.leased.lease = {task.id, std::move(token)};
  return std::optional(std::move(out));
}

}  // namespace

Result<std::optional<LeasedTask>> SqliteQueue::claim(const ClaimRequest& request) {
  MAIE_ASSIGN(const bool ready,
              read([&](Database& db) { return something_is_ready(db, request.lane, now()); }));
  if (!ready) return std::optional<LeasedTask>();
  MAIE_ASSIGN(std::optional<Claimed> claimed,
              write([&](Database& db) { return claim_next(db, request, now()); }));
  if (!claimed.has_value()) return std::optional<LeasedTask>();
  begin_live(claimed->standing);
  return std::optional(std::move(claimed->leased));
}

Result<LeaseState> SqliteQueue::renew(const Lease& lease, std::chrono::milliseconds length) {
  return write([&](Database& db) -> Result<LeaseState> {
    MAIE_ASSIGN(const std::optional<int64_t> stop,
                db.integer("UPDATE task SET lease_until_boot = ? "
                           "WHERE id = ? AND state = 1 AND lease_token = ? "
                           "RETURNING cancel_requested",
                           {now().boot + length.count(), lease.task_id, lease.token}));
    if (!stop.has_value()) return LeaseState::kLost;
    return *stop != 0 ? LeaseState::kCancelRequested : LeaseState::kHeld;
  });
}

Status SqliteQueue::set_stage(const Lease& lease, std::string_view stage) {
  return write([&](Database& db) -> Status {
    MAIE_ASSIGN(const Standing task, held_task(db, lease));
    if (task.stage == stage) return {};
    MAIE_ASSIGN(const int64_t change, next_change(db));
    return db.run("UPDATE task SET stage = ?, updated = ?, change = ? WHERE number = ?",
                  {stage, now().wall, change, task.number});
  });
}

Status SqliteQueue::save_checkpoint(const Lease& lease, std::string_view name,
                                    std::string_view data) {
  return write([&](Database& db) -> Status {
    MAIE_ASSIGN(const Standing task, held_task(db, lease));
    return db.run("INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)",
                  {task.number, name, Value::blob(data)});
  });
}

Result<std::map<std::string, std::string>> SqliteQueue::checkpoints(const Lease& lease) {
  return read([&](Database& db) -> Result<std::map<std::string, std::string>> {
    MAIE_ASSIGN(const Standing task, held_task(db, lease));
    std::map<std::string, std::string> out;
    MAIE_TRY(db.each("SELECT name, data FROM checkpoint WHERE task = ?", {task.number},
                     [&](const Row& row) {
                       out.emplace(row.text(0), row.text(1));
                       return true;
                     }));
    return out;
  });
}

Status SqliteQueue::succeed(const Lease& lease, std::string_view result) {
  return write([&](Database& db) -> Status {
    MAIE_ASSIGN(const Standing task, held_task(db, lease));
    MAIE_TRY(
        db.run("INSERT OR REPLACE INTO result VALUES (?, ?)", {task.number, Value::blob(result)}));
    MAIE_TRY(db.run("DELETE FROM checkpoint WHERE task = ?", {task.number}));  // of no use any more
    return end_task(db, task, {TaskState::kSucceeded}, now());
  });
}

Status SqliteQueue::fail(const Lease& lease, const Failure& failure) {
  return write([&](Database& db) -> Status {
    MAIE_ASSIGN(const Standing task, held_task(db, lease));
    const bool attempts_left = task.attempts < task.max_attempts;
    if (failure.try_again && task.cancel_requested)
      return end_task(db, task, {TaskState::kCancelled}, now());
    if (failure.try_again && attempts_left)
      return offer_task(
          db, task,
          {.error = failure.error, .attempts = task.attempts, .delay_ms = failure.delay.count()},
          now());
    return end_task(db, task, {TaskState::kFailed, failure.error, failure.try_again}, now());
  });
}

Status SqliteQueue::confirm_cancel(const Lease& lease) {
  return write([&](Database& db) -> Status {
    MAIE_ASSIGN(const Standing task, held_task(db, lease));
    if (!task.cancel_requested)
      return invalid_input("nobody asked to cancel task " + task.id + "; release or fail it");
    return end_task(db, task, {TaskState::kCancelled}, now());
  });
}

Status SqliteQueue::release(const Lease& lease) {
  return write([&](Database& db) -> Status {
    MAIE_ASSIGN(const Standing task, held_task(db, lease));
    if (task.cancel_requested) return end_task(db, task, {TaskState::kCancelled}, now());
    return offer_task(db, task, {.attempts = task.attempts - 1}, now());
  });
}

}  // namespace maie::queue
