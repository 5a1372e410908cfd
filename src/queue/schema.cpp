#include "queue/schema.h"

#include <span>

namespace maie::queue {
namespace {

// Payloads, results and checkpoints lie apart from the tasks, so that a list reads none of them
// and a change of state rewrites none of them. `state` holds TaskState's numbers, `lane` Lane's.
//
// A queued task is `scheduled` while it waits for its time; claims look at the others alone.
constexpr const char* kQueueVersion1[] = {
    R"(CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID)",
    R"(INSERT INTO meta VALUES ('change', 0), ('live_epoch', 1), ('boot_id', ''),
                               ('clock_offset', 0), ('last_wall', 0))",
    R"(CREATE TABLE task (
         number INTEGER PRIMARY KEY AUTOINCREMENT,
         id TEXT NOT NULL UNIQUE,
         kind TEXT NOT NULL,
         lane INTEGER NOT NULL,
         priority INTEGER NOT NULL,
         owner TEXT NOT NULL,
         request_id TEXT NOT NULL,
         traceparent TEXT NOT NULL,
         state INTEGER NOT NULL,
         stage TEXT NOT NULL DEFAULT '',
         cancel_requested INTEGER NOT NULL DEFAULT 0,
         attempts INTEGER NOT NULL DEFAULT 0,
         max_attempts INTEGER NOT NULL,
         leases INTEGER NOT NULL DEFAULT 0,
         worker TEXT NOT NULL DEFAULT '',
         lease_token TEXT NOT NULL DEFAULT '',
         lease_until_boot INTEGER,
         error_code TEXT NOT NULL DEFAULT '',
         error_message TEXT NOT NULL DEFAULT '',
         error_stage TEXT NOT NULL DEFAULT '',
         dead INTEGER NOT NULL DEFAULT 0,
         created INTEGER NOT NULL,
         updated INTEGER NOT NULL,
         started INTEGER,
         finished INTEGER,
         scheduled INTEGER NOT NULL DEFAULT 0,
         not_before INTEGER,
         ready_boot INTEGER,
         result_ttl INTEGER NOT NULL,
         expires INTEGER,
         expires_boot INTEGER,
         idempotency_key TEXT,
         idempotency_hash TEXT NOT NULL DEFAULT '',
         idempotency_until_boot INTEGER,
         change INTEGER NOT NULL))",
    R"(CREATE INDEX task_waiting ON task (lane, scheduled, priority DESC, number) WHERE state = 0)",
    R"(CREATE INDEX task_scheduled ON task (ready_boot) WHERE state = 0 AND scheduled = 1)",
    R"(CREATE INDEX task_lease ON task (lease_until_boot) WHERE state = 1)",
    R"(CREATE INDEX task_state ON task (state, number))",
    R"(CREATE INDEX task_change ON task (change))",
    R"(CREATE INDEX task_expires ON task (expires_boot) WHERE expires_boot IS NOT NULL)",
    R"(CREATE UNIQUE INDEX task_idempotency ON task (owner, idempotency_key)
         WHERE idempotency_key IS NOT NULL)",
    R"(CREATE TABLE payload (task INTEGER PRIMARY KEY, data BLOB NOT NULL))",
    R"(CREATE TABLE result (task INTEGER PRIMARY KEY, data BLOB NOT NULL))",
    R"(CREATE TABLE checkpoint (
         task INTEGER NOT NULL, name TEXT NOT NULL, data BLOB NOT NULL, UNIQUE (task, name)))",
};

// `lease` is the task's count of leases: rows of an older one are of no interest any more.
constexpr const char* kLiveVersion1[] = {
    R"(CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID)",
    R"(INSERT INTO meta VALUES ('change', 0))",
    R"(CREATE TABLE live (
         task TEXT PRIMARY KEY,
         lease INTEGER NOT NULL,
         attempt INTEGER NOT NULL,
         stage TEXT,
         fraction REAL,
         seconds_left REAL,
         events INTEGER NOT NULL DEFAULT 0,
         ended_boot INTEGER,
         change INTEGER NOT NULL) WITHOUT ROWID)",
    R"(CREATE INDEX live_change ON live (change))",
    R"(CREATE TABLE event (
         task TEXT NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL,
         PRIMARY KEY (task, number)) WITHOUT ROWID)",
    R"(CREATE TABLE worker (
         id TEXT PRIMARY KEY, status BLOB NOT NULL, started INTEGER NOT NULL,
         seen INTEGER NOT NULL, seen_boot INTEGER NOT NULL) WITHOUT ROWID)",
};

// One list of statements per version of the tables; a later version is added behind, never changed.
using Migration = std::span<const char* const>;
const Migration kQueueMigrations[] = {kQueueVersion1};
const Migration kLiveMigrations[] = {kLiveVersion1};

Status migrate(Database& db, std::span<const Migration> migrations) {
  MAIE_ASSIGN(const std::optional<int64_t> version, db.integer("PRAGMA user_version"));
  const auto have = size_t(version.value_or(0));
  if (have > migrations.size())
    return unsupported(db.name() + ": was written by a newer version of maie (tables " +
                       std::to_string(have) + ", this one knows " +
                       std::to_string(migrations.size()) + "); use that version");
  for (size_t step = have; step < migrations.size(); ++step)
    for (const char* statement : migrations[step]) MAIE_TRY(db.run(statement));
  if (have == migrations.size()) return {};
  return db.run("PRAGMA user_version = " + std::to_string(migrations.size()));
}

}  // namespace

Status prepare_queue_tables(Database& db) { return migrate(db, kQueueMigrations); }
Status prepare_live_tables(Database& db) { return migrate(db, kLiveMigrations); }

}  // namespace maie::queue
