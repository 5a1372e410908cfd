// Time: leases that ran out, tasks past their time, clocks that jump, machines that start anew.
//
// Every deadline that decides something is in milliseconds since the machine was started, a clock
// that neither jumps nor stops. The wall-clock times beside them (expires, not_before) are for
// people and follow: when the two clocks drift apart they are computed anew from the deadlines.
#include "base/log.h"
#include "queue/adopt_boot.h"
#include "queue/sqlite_engine.h"

namespace maie::queue {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int kMostRemovedAtOnce = 500;  // a round must not keep the writers waiting for long

struct ClockNote {
  int64_t offset = 0, last_wall = 0;
};

Result<ClockNote> read_clock_note(Database& db) {
  MAIE_ASSIGN(const std::optional<int64_t> offset,
              db.integer("SELECT value FROM meta WHERE name = 'clock_offset'"));
  MAIE_ASSIGN(const std::optional<int64_t> last,
              db.integer("SELECT value FROM meta WHERE name = 'last_wall'"));
  return ClockNote{offset.value_or(0), last.value_or(0)};
}

bool differs_by_a_minute(int64_t a, int64_t b) { return std::abs(a - b) >= kMinute; }

bool is_due(const ClockNote& note, Moment now) {
  return differs_by_a_minute(note.offset, now.wall - now.boot) ||
         differs_by_a_minute(note.last_wall, now.wall);
}

Status follow_clock(Database& db, Moment now) {
  MAIE_ASSIGN(const ClockNote note, read_clock_note(db));
  if (!is_due(note, now)) return {};
  const int64_t offset = now.wall - now.boot;
  if (!differs_by_a_minute(note.offset, offset))
    return db.run("UPDATE meta SET value = ? WHERE name = 'last_wall'", {now.wall});
  log_warning("queue.db: the wall clock jumped by " +
              std::to_string((offset - note.offset) / 1000) +
              " s; times to come were moved by as much, nothing is removed early");
  return show_deadlines(db, now);
}

Result<std::vector<Standing>> standings(Database& db, const std::string& condition, Value value) {
  const std::string sql =
      "SELECT " + kStandingColumns + " FROM task WHERE " + condition + " ORDER BY number";
  std::vector<Standing> out;
  MAIE_TRY(db.each(sql, {value}, [&](const Row& row) {
    out.push_back(standing_of(row));
    return true;
  }));
  return out;
}

Status end_leases(Database& db, const std::vector<Standing>& tasks, Moment now, Maintenance& out) {
  for (const Standing& task : tasks) {
    MAIE_ASSIGN(const TaskState state, lose_attempt(db, task, now));
    ++out.leases_expired;
    if (state == TaskState::kQueued) out.offered_again.push_back(task.id);
    if (state == TaskState::kFailed) out.failed.push_back(task.id);
  }
  return {};
}

Status remove_expired(Database& db, Moment now, Maintenance& out) {
  std::vector<int64_t> numbers;
  MAIE_TRY(
      db.each("SELECT number, id FROM task WHERE expires_boot IS NOT NULL AND expires_boot <= ? "
              "ORDER BY expires_boot LIMIT ?",
              {now.boot, kMostRemovedAtOnce}, [&](const Row& row) {
                numbers.push_back(row.integer(0));
                out.removed.push_back(row.text(1));
                return true;
              }));
  for (const int64_t number : numbers) MAIE_TRY(erase_task(db, number));
  return {};
}

Result<bool> anything_to_do(Database& db, Moment now) {
  MAIE_ASSIGN(const std::optional<int64_t> due,
              db.integer("SELECT EXISTS (SELECT 1 FROM task "
                         "WHERE state = 1 AND lease_until_boot <= ?1) OR "
                         "EXISTS (SELECT 1 FROM task "
                         "WHERE expires_boot IS NOT NULL AND expires_boot <= ?1)",
                         {now.boot}));
  MAIE_ASSIGN(const ClockNote note, read_clock_note(db));
  return due.value_or(0) != 0 || is_due(note, now);
}

}  // namespace

Result<Maintenance> SqliteQueue::maintain() {
  const Moment at = now();
  MAIE_ASSIGN(const bool any, read([&](Database& db) { return anything_to_do(db, at); }));
  Maintenance out;
  if (any) {
    MAIE_ASSIGN(out, write([&](Database& db) -> Result<Maintenance> {
                  Maintenance done;
                  MAIE_TRY(follow_clock(db, at));
                  MAIE_ASSIGN(const std::vector<Standing> overdue,
                              standings(db, "state = 1 AND lease_until_boot <= ?", at.boot));
                  MAIE_TRY(end_leases(db, overdue, at, done));
                  MAIE_TRY(remove_expired(db, at, done));
                  return done;
                }));
  }
  forget_live(out.removed);
  // What is live may be lost; that must not keep a lost worker's tasks from being offered again.
  if (const Status tidied = tidy_live(); !tidied.ok())
    log_warning("progress of ended tasks stays for now: " + tidied.message());
  return out;
}

Result<Maintenance> SqliteQueue::end_leases_of(std::string_view worker_id) {
  return write([&](Database& db) -> Result<Maintenance> {
    Maintenance done;
    MAIE_ASSIGN(const std::vector<Standing> tasks,
                standings(db, "state = 1 AND worker = ?", worker_id));
    MAIE_TRY(end_leases(db, tasks, now(), done));
    return done;
  });
}

}  // namespace maie::queue
