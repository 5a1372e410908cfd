#include "queue/repair.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>

#include "base/log.h"
#include "queue/database_file.h"
#include "queue/schema.h"

namespace maie::queue {
namespace {

namespace fs = std::filesystem;

constexpr double kTimeout_s = 5;
constexpr size_t kLongestVerdict = 200;  // SQLite names up to a hundred pages
constexpr int kMostSingleSteps = 4096;
constexpr uint64_t kCheckedWholeBytes = uint64_t{64} << 20;

std::string database_of(const std::string& folder) { return folder + "/queue.db"; }
std::string mark_of(const std::string& folder) { return folder + "/queue.damaged"; }
std::string complete_of(const std::string& folder) { return folder + "/queue.db.repaired"; }

bool is_there(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool has_bytes(const std::string& path) {
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  return !error && size > 0;
}

std::string utc_stamp() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

Status check_file(const std::string& folder, const char* pragma) {
  MAIE_ASSIGN(Database db,
              Database::open(database_of(folder), Database::Access::kReadWrite, kTimeout_s));
  MAIE_ASSIGN(const std::optional<std::string> answer, db.text(pragma));
  std::string verdict = answer.value_or("no answer");
  if (verdict == "ok") return {};
  std::replace(verdict.begin(), verdict.end(), '\n', ' ');
  return corrupt("queue.db: the file is damaged (" + verdict.substr(0, kLongestVerdict) + ")");
}

// The first readable row behind `after`. A page that cannot be read hides some rows: then it is
// tried step by step behind them, and where there are many, in steps that grow.
Result<std::optional<int64_t>> next_readable(Database& db, int64_t after) {
  int64_t step = 1;
  for (int tries = 0; tries < kMostSingleSteps + 50; ++tries) {
    Result<std::optional<int64_t>> found = db.integer(
        "SELECT number FROM damaged.task WHERE number > ? ORDER BY number LIMIT 1", {after});
    if (found.has_value() || found.error().code() != Code::kCorrupt) return found;
    after += step;
    if (tries >= kMostSingleSteps) step *= 2;
  }
  return std::optional<int64_t>();
}

// A row that cannot be read is left out; other failures (a full disk) end the repair.
Status copy_what_is_readable(Database& db, const char* sql, int64_t number) {
  const Status copied = db.run(sql, {number});
  return copied.code() == Code::kCorrupt ? Status() : copied;
}

Status copy_task(Database& db, int64_t number) {
  for (const char* sql :
       {"INSERT OR IGNORE INTO task SELECT * FROM damaged.task WHERE number = ?",
        "INSERT OR IGNORE INTO payload SELECT * FROM damaged.payload WHERE task = ?",
        "INSERT OR IGNORE INTO result SELECT * FROM damaged.result WHERE task = ?",
        "INSERT OR IGNORE INTO checkpoint SELECT * FROM damaged.checkpoint WHERE task = ?"})
    MAIE_TRY(copy_what_is_readable(db, sql, number));
  return {};
}

Status copy_tasks(Database& db) {
  int64_t number = -1;
  while (true) {
    MAIE_ASSIGN(const std::optional<int64_t> next, next_readable(db, number));
    if (!next.has_value()) return {};
    MAIE_TRY(copy_task(db, *next));
    number = *next;
  }
}

Status copy_meta(Database& db) {
  const Status copied = db.run("INSERT OR REPLACE INTO meta SELECT * FROM damaged.meta");
  if (!copied.ok() && copied.code() != Code::kCorrupt) return copied;
  // Somewhat further than anyone can have followed.
  return db.run(
      "UPDATE meta SET value = 1000 + max(value, (SELECT ifnull(max(change), 0) FROM task)) "
      "WHERE name = 'change'");
}

Status fail_incomplete_tasks(Database& db) {
  return db.run(
      "UPDATE task SET state = 3, error_code = 'DATA_LOST', error_message = 'The record of this "
      "task was damaged on the disk; submit it again', error_stage = stage, lease_token = '', "
      "lease_until_boot = NULL, scheduled = 0, finished = updated WHERE "
      "(state IN (0, 1) AND number NOT IN (SELECT task FROM payload)) OR "
      "(state = 2 AND number NOT IN (SELECT task FROM result))");
}

// From an attached damaged file to the new one; the number of tasks that came over. Each row is a
// transaction of its own: in a longer one SQLite fails every statement behind the first that met
// damage. The disk is waited for once, at the end.
Result<int64_t> salvage(Database& db) {
  MAIE_TRY(db.run("PRAGMA synchronous = OFF"));
  const Status copied = copy_tasks(db);
  if (!copied.ok() && copied.code() != Code::kCorrupt && copied.code() != Code::kInternal)
    return copied;
  MAIE_TRY(db.run("PRAGMA synchronous = FULL"));
  MAIE_TRY(fail_incomplete_tasks(db));
  MAIE_TRY(copy_meta(db));
  MAIE_ASSIGN(const std::optional<int64_t> saved, db.integer("SELECT count(*) FROM task"));
  return saved.value_or(0);
}

Result<int64_t> build_new_file(const std::string& folder, const std::string& path) {
  for (const char* end : {"", "-wal", "-shm"}) ::unlink((path + end).c_str());
  MAIE_ASSIGN(Database db, Database::open(path, Database::Access::kReadWrite, kTimeout_s));
  MAIE_TRY(db.run("PRAGMA journal_mode = MEMORY"));  // a repair that is cut short begins anew
  MAIE_TRY(db.run("BEGIN IMMEDIATE"));
  MAIE_TRY(prepare_queue_tables(db));
  MAIE_TRY(db.run("COMMIT"));
  // Else a file that was cut short is not read at all.
  MAIE_TRY(db.run("PRAGMA writable_schema = ON"));
  const Status attached = db.run("ATTACH DATABASE ? AS damaged", {database_of(folder)});
  if (attached.code() == Code::kCorrupt) {
    log_warning("nothing of the damaged queue.db is readable");
    return int64_t{0};
  }
  MAIE_TRY(attached);
  return salvage(db);
}

Status sync_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int failed = descriptor < 0 || ::fsync(descriptor) != 0 ? errno : 0;
  if (descriptor >= 0) ::close(descriptor);
  return failed == 0 ? Status() : errno_status(folder, failed);
}

Status rename_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0 || errno == ENOENT) return {};
  return errno_status(from, errno);
}

}  // namespace

Status look_for_damage(const std::string& folder) {
  const std::string path = database_of(folder);
  if (!is_there(path)) return {};
  if (!has_bytes(path)) {
    log_warning("queue.db is empty: its first start was cut short, or its content was lost");
    return {};
  }
  const bool is_marked = is_marked_as_damaged(folder);
  std::error_code error;
  const bool is_small = fs::file_size(path, error) <= kCheckedWholeBytes;
  // Damage that was met may lie in an index, which quick_check does not compare. The table of tasks
  // is small beside what they keep, and without it the service answers nothing.
  MAIE_TRY(check_file(folder, is_marked  ? "PRAGMA integrity_check(1)"
                              : is_small ? "PRAGMA quick_check(1)"
                                         : "PRAGMA quick_check(task)"));
  if (is_marked) ::unlink(mark_of(folder).c_str());
  return {};
}

bool is_marked_as_damaged(const std::string& folder) {
  return ::access(mark_of(folder).c_str(), F_OK) == 0;
}

void mark_as_damaged(const std::string& folder) {
  const int descriptor = ::open(mark_of(folder).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor >= 0) ::close(descriptor);
}

Status repair(const std::string& folder) {
  const std::string building = folder + "/queue.db.repairing";
  MAIE_ASSIGN(const int64_t saved, build_new_file(folder, building));
  MAIE_TRY(rename_file(building, complete_of(folder)));
  MAIE_TRY(sync_folder(folder));
  log_error("queue.db was damaged: " + std::to_string(saved) +
            " tasks were saved to a new file, the damaged one is kept beside it as "
            "queue.db.corrupt-<time>");
  return finish_repair(folder);
}

Status finish_repair(const std::string& folder) {
  if (!is_there(complete_of(folder))) return {};
  const std::string path = database_of(folder);
  std::string aside = path + ".corrupt-" + utc_stamp();
  while (is_there(aside)) aside += "+";  // of the same second
  MAIE_TRY(rename_file(path, aside));
  MAIE_TRY(rename_file(path + "-wal", aside + "-wal"));
  ::unlink((path + "-shm").c_str());
  MAIE_TRY(rename_file(complete_of(folder), path));
  ::unlink(mark_of(folder).c_str());
  return sync_folder(folder);
}

}  // namespace maie::queue
