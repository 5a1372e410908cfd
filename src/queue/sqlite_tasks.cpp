// Who submits and asks. In statements, state 0 is queued and 1 running (partial indexes ask for
// the numbers themselves).
#include <algorithm>

#include "queue/sqlite_engine.h"

namespace maie::queue {
namespace {

// The task that an idempotency key stands for, if any; a key past its time is taken off its task.
Result<std::optional<Submitted>> earlier_submission(Database& db, const NewTask& task, Moment now) {
  if (task.idempotency_key.empty()) return std::optional<Submitted>();
  MAIE_TRY(
      db.run("UPDATE task SET idempotency_key = NULL "
             "WHERE owner = ? AND idempotency_key = ? AND idempotency_until_boot <= ?",
             {task.owner, task.idempotency_key, now.boot}));
  std::optional<Submitted> out;
  MAIE_TRY(
      db.each("SELECT id, idempotency_hash FROM task WHERE owner = ? AND idempotency_key = ?",
              {task.owner, task.idempotency_key}, [&](const Row& row) {
                const bool same = row.text(1) == task.idempotency_hash;
                out = {same ? SubmitOutcome::kExisting : SubmitOutcome::kConflict, row.text(0)};
                return false;
              }));
  return out;
}

Result<int64_t> count_waiting(Database& db, Lane lane, int64_t at_most) {
  MAIE_ASSIGN(const std::optional<int64_t> count,
              db.integer("SELECT count(*) FROM "
                         "(SELECT 1 FROM task WHERE state = 0 AND lane = ? LIMIT ?)",
                         {int(lane), at_most}));
  return count.value_or(0);
}

Status insert(Database& db, const NewTask& task, Moment now) {
  MAIE_ASSIGN(const int64_t change, next_change(db));
  const bool later = task.delay_ms > 0;
  const bool keyed = !task.idempotency_key.empty();
  MAIE_ASSIGN(
      const std::optional<int64_t> number,
      db.integer(
          "INSERT INTO task (id, kind, lane, priority, owner, request_id, traceparent, state, "
          "max_attempts, created, updated, scheduled, not_before, ready_boot, result_ttl, "
          "idempotency_key, idempotency_hash, idempotency_until_boot, change) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number",
          {task.id, task.kind, int(task.lane), task.priority, task.owner, task.request_id,
           task.traceparent, task.max_attempts, now.wall, now.wall, int(later),
           later ? std::optional(now.wall + task.delay_ms) : std::nullopt,
           later ? std::optional(now.boot + task.delay_ms) : std::nullopt, task.result_ttl_ms,
           keyed ? std::optional(std::string_view(task.idempotency_key)) : std::nullopt,
           task.idempotency_hash,
           keyed ? std::optional(now.boot + task.idempotency_ttl_ms) : std::nullopt, change}));
  return db.run("INSERT INTO payload VALUES (?, ?)", {number, Value::blob(task.payload)});
}

Result<std::optional<Task>> find_task(Database& db, std::string_view id) {
  static const std::string sql = "SELECT " + kTaskColumns + " FROM task WHERE id = ?";
  std::optional<Task> out;
  MAIE_TRY(db.each(sql, {id}, [&](const Row& row) {
    out = task_of(row);
    return false;
  }));
  return out;
}

Status ask_to_stop(Database& db, const Standing& task, Moment now) {
  if (task.cancel_requested) return {};
  MAIE_ASSIGN(const int64_t change, next_change(db));
  return db.run("UPDATE task SET cancel_requested = 1, updated = ?, change = ? WHERE number = ?",
                {now.wall, change, task.number});
}

// The states of a filter as bits, so that one statement serves all filters; 0 bits is any.
int bits_of(const std::vector<TaskState>& states) {
  int bits = 0;
  for (const TaskState state : states) bits |= 1 << int(state);
  return bits == 0 ? ~0 : bits;
}

std::optional<std::string_view> unless_empty(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

Result<Submitted> SqliteQueue::submit(const NewTask& task, const SubmitLimits& limits) {
  if (task.id.empty() || task.max_attempts < 1)
    return invalid_input("a task needs an id and at least one attempt");
  return write([&](Database& db) -> Result<Submitted> {
    const Moment at = now();
    MAIE_ASSIGN(const std::optional<Submitted> earlier, earlier_submission(db, task, at));
    if (earlier.has_value()) return *earlier;
    if (limits.max_queued > 0) {
      MAIE_ASSIGN(const int64_t waiting, count_waiting(db, task.lane, limits.max_queued));
      if (waiting >= limits.max_queued) return Submitted{SubmitOutcome::kFull, ""};
    }
    MAIE_ASSIGN(const std::optional<Standing> taken, find_standing(db, task.id));
    if (taken.has_value())
      return invalid_input("there is a task " + task.id + " already; submit under a new id");
    MAIE_TRY(insert(db, task, at));
    return Submitted{SubmitOutcome::kCreated, task.id};
  });
}

Result<std::optional<Task>> SqliteQueue::find(std::string_view id) {
  static const std::string sql =
      "SELECT " + kTaskColumns +
      ", (SELECT data FROM payload WHERE payload.task = number) FROM task WHERE id = ?";
  return read([&](Database& db) -> Result<std::optional<Task>> {
    std::optional<Task> out;
    MAIE_TRY(db.each(sql, {id}, [&](const Row& row) {
      out = task_of(row);
      out->payload = row.text(kTaskColumnCount);
      return false;
    }));
    return out;
  });
}

Result<TaskPage> SqliteQueue::list(const TaskFilter& filter) {
  // One state has an index of its own; without the unary plus SQLite would take it for any other.
  static const std::string select = "SELECT " + kTaskColumns + " FROM task WHERE ";
  static const std::string rest =
      " AND number < ?2 AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR owner = ?4)"
      " AND (?5 IS NULL OR lane = ?5) AND (?6 IS NULL OR created > ?6)"
      " AND (?7 IS NULL OR created < ?7) ORDER BY number DESC LIMIT ?8";
  static const std::string any_state = select + "(?1 >> state) & 1" + rest;
  static const std::string one_state = select + "state = ?1" + rest;
  const bool one = filter.states.size() == 1;
  const int limit = std::clamp(filter.limit, 1, 1000);
  return read([&](Database& db) -> Result<TaskPage> {
    std::optional<int64_t> before = INT64_MAX;
    if (!filter.after_id.empty()) {
      MAIE_ASSIGN(before, db.integer("SELECT number FROM task WHERE id = ?", {filter.after_id}));
      if (!before.has_value())
        return not_found("task " + filter.after_id +
                         ", where the page before ended, is gone; begin with the first page");
    }
    const std::optional<int> lane =
        filter.lane ? std::optional(int(*filter.lane)) : std::optional<int>();
    TaskPage page;
    MAIE_TRY(db.each(one ? one_state : any_state,
                     {one ? int(filter.states.front()) : bits_of(filter.states), before,
                      unless_empty(filter.kind), unless_empty(filter.owner), lane,
                      filter.created_after, filter.created_before, limit + 1},
                     [&](const Row& row) {
                       page.more = int(page.tasks.size()) == limit;
                       if (!page.more) page.tasks.push_back(task_of(row));
                       return !page.more;
                     }));
    return page;
  });
}

Result<std::optional<std::string>> SqliteQueue::result(std::string_view id) {
  return read([&](Database& db) {
    return db.text("SELECT data FROM result WHERE task = (SELECT number FROM task WHERE id = ?)",
                   {id});
  });
}

Result<std::optional<Task>> SqliteQueue::cancel(std::string_view id) {
  return write([&](Database& db) -> Result<std::optional<Task>> {
    MAIE_ASSIGN(const std::optional<Standing> task, find_standing(db, id));
    if (!task.has_value()) return std::optional<Task>();
    if (!is_final(task->state)) {
      MAIE_TRY(ask_to_stop(db, *task, now()));
      if (task->state == TaskState::kQueued)
        MAIE_TRY(end_task(db, *task, {TaskState::kCancelled}, now()));
    }
    return find_task(db, id);
  });
}

Result<Removal> SqliteQueue::remove(std::string_view id) {
  MAIE_ASSIGN(const Removal removal, write([&](Database& db) -> Result<Removal> {
                MAIE_ASSIGN(const std::optional<Standing> task, find_standing(db, id));
                if (!task.has_value()) return Removal::kNotFound;
                if (task->state == TaskState::kRunning) {
                  MAIE_TRY(ask_to_stop(db, *task, now()));
                  return Removal::kRunning;
                }
                MAIE_TRY(erase_task(db, task->number));
                return Removal::kRemoved;
              }));
  if (removal == Removal::kRemoved) forget_live({std::string(id)});
  return removal;
}

Result<Retry> SqliteQueue::retry(std::string_view id) {
  return write([&](Database& db) -> Result<Retry> {
    MAIE_ASSIGN(const std::optional<Standing> task, find_standing(db, id));
    if (!task.has_value()) return Retry::kNotFound;
    if (task->state != TaskState::kFailed && task->state != TaskState::kCancelled)
      return Retry::kNotFailed;
    MAIE_ASSIGN(const std::optional<Task> ended, find_task(db, id));
    MAIE_TRY(offer_task(db, *task, {.error = ended->error}, now()));
    return Retry::kQueued;
  });
}

Result<QueueCounts> SqliteQueue::counts() {
  return read([&](Database& db) -> Result<QueueCounts> {
    QueueCounts counts;
    int64_t* const by_state[] = {&counts.queued, &counts.running, &counts.succeeded, &counts.failed,
                                 &counts.cancelled};
    MAIE_TRY(db.each("SELECT state, count(*) FROM task GROUP BY state", {}, [&](const Row& row) {
      if (const auto state = size_t(row.integer(0)); state < std::size(by_state))
        *by_state[state] = row.integer(1);
      return true;
    }));
    const int64_t boot = clock_.boot_ms();
    MAIE_ASSIGN(const std::optional<int64_t> scheduled,
                db.integer("SELECT count(*) FROM task "
                           "WHERE state = 0 AND scheduled = 1 AND ready_boot > ?",
                           {boot}));
    counts.scheduled = scheduled.value_or(0);
    counts.queued -= counts.scheduled;
    MAIE_ASSIGN(const std::optional<int64_t> dead,
                db.integer("SELECT count(*) FROM task WHERE state = 3 AND dead = 1"));
    counts.dead = dead.value_or(0);
    MAIE_ASSIGN(counts.oldest_queued,
                db.integer("SELECT min(created) FROM task "
                           "WHERE state = 0 AND (scheduled = 0 OR ready_boot <= ?)",
                           {boot}));
    return counts;
  });
}

Result<int64_t> SqliteQueue::depth(Lane lane) {
  return read([&](Database& db) { return count_waiting(db, lane, INT64_MAX); });
}

}  // namespace maie::queue
