#include "queue/database_file.h"

#include <sys/stat.h>

#include "base/guarded.h"

namespace maie::queue {
namespace {

constexpr int kMostReaders = 8;

uint64_t inode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? uint64_t(info.st_ino) : 0;
}

}  // namespace

Result<std::unique_ptr<DatabaseFile>> DatabaseFile::open(
    const std::string& path, Options options, const std::function<Status(Database&)>& prepare) {
  MAIE_ASSIGN(Database writer,
              Database::open(path, Database::Access::kReadWrite, options.busy_timeout_s));
  MAIE_TRY(writer.run("PRAGMA journal_mode = WAL"));
  MAIE_TRY(writer.run(options.durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF"));
  // A burst may let the log grow; it need not keep that size for ever.
  MAIE_TRY(writer.run("PRAGMA journal_size_limit = 16777216"));
  MAIE_TRY(writer.run("BEGIN IMMEDIATE"));
  const Status prepared = prepare(writer);
  if (!prepared.ok()) {
    if (writer.in_transaction()) (void)writer.run("ROLLBACK");
    return prepared;
  }
  MAIE_TRY(writer.run("COMMIT"));
  MAIE_ASSIGN(Database watcher,
              Database::open(path, Database::Access::kQueryOnly, options.busy_timeout_s));
  return std::unique_ptr<DatabaseFile>(
      new DatabaseFile(path, options, std::move(writer), std::move(watcher)));
}

DatabaseFile::DatabaseFile(std::string path, Options options, Database writer, Database watcher)
    : path_(std::move(path)),
      options_(options),
      inode_(inode_of(path_)),
      writer_(std::move(writer)),
      watcher_(std::move(watcher)) {}

bool DatabaseFile::is_current() const { return inode_of(path_) == inode_; }

Status DatabaseFile::commit(const Work& work) {
  Request mine{&work, {}, false};
  std::unique_lock lock(write_mutex_);
  waiting_.push_back(&mine);
  written_.wait(lock, [&] { return mine.done || !writing_; });
  if (mine.done) return mine.status;

  writing_ = true;
  const std::vector<Request*> group = std::exchange(waiting_, {});
  lock.unlock();
  commit_together(group);
  lock.lock();
  writing_ = false;
  for (Request* request : group) request->done = true;
  lock.unlock();
  written_.notify_all();
  return mine.status;
}

void DatabaseFile::commit_together(const std::vector<Request*>& group) {
  const Status status = guarded([&] { return run_all(group); });
  if (status.ok()) return;
  if (writer_.in_transaction()) (void)writer_.run("ROLLBACK");
  for (Request* request : group)
    if (request->status.ok()) request->status = status;
}

Status DatabaseFile::run_all(const std::vector<Request*>& group) {
  MAIE_TRY(writer_.run("BEGIN IMMEDIATE"));
  for (Request* request : group) {
    MAIE_TRY(writer_.run("SAVEPOINT one"));
    request->status = (*request->work)(writer_);
    if (!writer_.in_transaction()) return request->status;  // what came before is gone as well
    if (!request->status.ok()) MAIE_TRY(writer_.run("ROLLBACK TO one"));
    MAIE_TRY(writer_.run("RELEASE one"));
  }
  MAIE_TRY(writer_.run("COMMIT"));
  ++commits_;
  return {};
}

DatabaseFile::Lent::~Lent() {
  if (db_ == nullptr) return;
  {
    const std::lock_guard lock(file_->read_mutex_);
    file_->idle_.push_back(std::move(db_));
    --file_->lent_;
  }
  file_->given_back_.notify_one();
}

Result<DatabaseFile::Lent> DatabaseFile::lend_reader() {
  std::unique_lock lock(read_mutex_);
  given_back_.wait(lock, [&] { return lent_ < kMostReaders; });
  ++lent_;
  if (!idle_.empty()) {
    Lent lent(this, std::move(idle_.back()));
    idle_.pop_back();
    return lent;
  }
  lock.unlock();
  Result<Database> opened =
      Database::open(path_, Database::Access::kQueryOnly, options_.busy_timeout_s);
  if (opened.has_value()) return Lent(this, std::make_unique<Database>(std::move(*opened)));
  lock.lock();
  --lent_;
  given_back_.notify_one();
  return opened.error();
}

Result<int64_t> DatabaseFile::version() {
  const std::lock_guard lock(watch_mutex_);
  MAIE_ASSIGN(const std::optional<int64_t> version, watcher_.integer("PRAGMA data_version"));
  return version.value_or(0);
}

}  // namespace maie::queue
