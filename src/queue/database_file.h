#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "queue/database.h"

namespace maie::queue {

/// What came of a body that returns either.
inline const Status& status_of(const Status& status) { return status; }
template <class T>
Status status_of(const Result<T>& result) {
  return result.status();
}

/// One SQLite file (WAL) for all threads of a process: one connection that writes and a few that
/// read, so that a read never waits for the disk to finish a write.
///
/// Writes that arrive while another one waits for the disk are committed together: the first
/// thread that finds no one writing takes all that wait, runs each under a savepoint of its own,
/// and flushes once for all of them. A write that fails takes nothing else with it, except where
/// SQLite ends the whole transaction (full disk): then all of them fail, and nothing is changed.
///
/// Any thread. Reads and writes must not be started from within each other.
class DatabaseFile {
 public:
  struct Options {
    bool durable = true;  ///< a write returns when it is on the disk
    double busy_timeout_s = 5;
  };

  /// Makes the file when it is absent. @param prepare brings its tables up to date.
  static Result<std::unique_ptr<DatabaseFile>> open(
      const std::string& path, Options options, const std::function<Status(Database&)>& prepare);

  /// Runs `body` in a transaction, which is kept when it returns a success.
  /// @param body takes Database&, returns a Status or a Result.
  template <class Body>
  auto write(const Body& body) -> decltype(body(std::declval<Database&>())) {
    using Returned = decltype(body(std::declval<Database&>()));
    std::optional<Returned> out;
    const Status status = commit([&](Database& db) {
      out.emplace(body(db));
      return status_of(*out);
    });
    if (!status.ok()) return status;
    return std::move(*out);
  }

  /// Runs `body` on a connection that may only read, on one snapshot of the file.
  template <class Body>
  auto read(const Body& body) -> decltype(body(std::declval<Database&>())) {
    Result<Lent> reader = lend_reader();
    if (!reader.has_value()) return reader.error();
    const Snapshot snapshot(reader->db());
    return body(reader->db());
  }

  /// Changes whenever any process has changed the file. Touches memory only.
  Result<int64_t> version();
  /// Whether `path` still names the file that is open: somebody may have replaced it.
  bool is_current() const;
  /// Commits that wrote something, and writes that they carried; for measurements.
  int64_t commits() const { return commits_; }

 private:
  using Work = std::function<Status(Database&)>;
  struct Request {
    const Work* work;
    Status status;
    bool done = false;
  };
  /// A reader that goes back when this goes.
  class Lent {
   public:
    Lent(DatabaseFile* file, std::unique_ptr<Database> db) : file_(file), db_(std::move(db)) {}
    Lent(Lent&&) = default;
    ~Lent();
    Database& db() { return *db_; }

   private:
    DatabaseFile* file_;
    std::unique_ptr<Database> db_;
  };
  struct Snapshot {
    explicit Snapshot(Database& db) : db(db) { (void)db.run("BEGIN"); }
    ~Snapshot() { (void)db.run("COMMIT"); }
    Database& db;
  };

  DatabaseFile(std::string path, Options options, Database writer, Database watcher);
  Status commit(const Work& work);
  void commit_together(const std::vector<Request*>& group);
  Status run_all(const std::vector<Request*>& group);
  Result<Lent> lend_reader();

  const std::string path_;
  const Options options_;
  uint64_t inode_ = 0;
  std::atomic<int64_t> commits_{0};

  std::mutex write_mutex_;
  std::condition_variable written_;
  std::vector<Request*> waiting_;
  bool writing_ = false;
  Database writer_;  // of the thread that set writing_

  std::mutex read_mutex_;
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<Database>> idle_;
  int lent_ = 0;

  std::mutex watch_mutex_;
  Database watcher_;
};

}  // namespace maie::queue
