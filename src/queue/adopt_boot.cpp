#include "queue/adopt_boot.h"

namespace maie::queue {
namespace {

constexpr int64_t kLongestTimeOff = int64_t{31} * 24 * 3600 * 1000;

Result<int64_t> noted(Database& db, const char* name) {
  MAIE_ASSIGN(const std::optional<int64_t> value,
              db.integer("SELECT value FROM meta WHERE name = ?", {name}));
  return value.value_or(0);
}

}  // namespace

Status adopt_boot(Database& db, const std::string& boot_id, Moment now) {
  MAIE_ASSIGN(const std::optional<std::string> before,
              db.text("SELECT value FROM meta WHERE name = 'boot_id'"));
  if (before == boot_id) return {};
  MAIE_ASSIGN(const int64_t offset, noted(db, "clock_offset"));
  MAIE_ASSIGN(const int64_t last_wall, noted(db, "last_wall"));
  const int64_t passed = now.wall - last_wall;
  const int64_t time_off = passed < 0 || passed > kLongestTimeOff ? 0 : passed;
  const int64_t last_boot = last_wall - offset;  // the old clock when it was last looked at
  const int64_t shift = now.boot - last_boot - time_off;
  MAIE_TRY(
      db.run("UPDATE task SET ready_boot = ready_boot + ?1, expires_boot = expires_boot + ?1, "
             "idempotency_until_boot = idempotency_until_boot + ?1",
             {shift}));
  // Nobody of that time can come back: the token becomes one that nobody has.
  MAIE_TRY(db.run(
      "UPDATE task SET lease_until_boot = 0, lease_token = hex(randomblob(16)) WHERE state = 1"));
  MAIE_TRY(db.run("INSERT OR REPLACE INTO meta VALUES ('boot_id', ?)", {boot_id}));
  return show_deadlines(db, now);
}

Status show_deadlines(Database& db, Moment now) {
  const int64_t offset = now.wall - now.boot;
  MAIE_TRY(db.run("UPDATE task SET expires = expires_boot + ? WHERE expires_boot IS NOT NULL",
                  {offset}));
  MAIE_TRY(
      db.run("UPDATE task SET not_before = ready_boot + ? WHERE ready_boot IS NOT NULL", {offset}));
  MAIE_TRY(db.run("INSERT OR REPLACE INTO meta VALUES ('clock_offset', ?)", {offset}));
  return db.run("INSERT OR REPLACE INTO meta VALUES ('last_wall', ?)", {now.wall});
}

}  // namespace maie::queue
