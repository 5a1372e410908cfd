#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "queue/database_file.h"
#include "queue/sqlite_queue.h"
#include "queue/task_file.h"
#include "queue/transitions.h"

namespace maie::queue {

/// The SQLite engine; what each function promises is written in task_queue.h. Its parts:
/// sqlite_tasks.cpp (who submits and asks), sqlite_work.cpp (who works), sqlite_maintain.cpp
/// (time), sqlite_live.cpp (live.db), sqlite_changes.cpp (who waits), sqlite_queue.cpp (opening).
class SqliteQueue final : public TaskQueue {
 public:
  static Result<std::unique_ptr<TaskQueue>> open(const SqliteOptions& options);

  Result<Submitted> submit(const NewTask& task, const SubmitLimits& limits) override;
  Result<std::optional<Task>> find(std::string_view id) override;
  Result<TaskPage> list(const TaskFilter& filter) override;
  Result<std::optional<std::string>> result(std::string_view id) override;
  Result<std::optional<Task>> cancel(std::string_view id) override;
  Result<Removal> remove(std::string_view id) override;
  Result<Retry> retry(std::string_view id) override;
  Result<QueueCounts> counts() override;
  Result<int64_t> depth(Lane lane) override;

  Result<std::optional<LeasedTask>> claim(const ClaimRequest& request) override;
  Result<LeaseState> renew(const Lease& lease, std::chrono::milliseconds length) override;
  Status set_stage(const Lease& lease, std::string_view stage) override;
  Status save_checkpoint(const Lease& lease, std::string_view name, std::string_view data) override;
  Result<std::map<std::string, std::string>> checkpoints(const Lease& lease) override;
  Status succeed(const Lease& lease, std::string_view result) override;
  Status fail(const Lease& lease, const Failure& failure) override;
  Status confirm_cancel(const Lease& lease) override;
  Status release(const Lease& lease) override;
  Status announce(const WorkerRecord& worker) override;
  Status leave(std::string_view worker_id) override;
  Result<std::vector<WorkerRecord>> workers(std::chrono::milliseconds ttl) override;
  Result<Maintenance> end_leases_of(std::string_view worker_id) override;

  Status report(const Lease& lease, const LiveProgress& progress) override;
  Status append_event(const Lease& lease, std::string_view data) override;
  Result<std::optional<LiveProgress>> progress(std::string_view id) override;
  Result<std::vector<LiveEvent>> events(std::string_view id, int64_t after, int limit) override;

  Result<ChangeCursor> cursor() override;
  Result<ChangeCursor> wait_for_change(const ChangeCursor& seen, std::chrono::milliseconds at_most,
                                       const CancelToken& stop) override;
  Result<std::vector<Task>> changed_tasks(int64_t after, int limit) override;
  Result<std::vector<std::string>> live_tasks(int64_t after) override;

  Result<Maintenance> maintain() override;
  Status ping() override;
  std::string_view engine() const override { return "embedded"; }

  /// Commits to queue.db so far; for measurements.
  int64_t commits() const { return tasks_->commits(); }

 private:
  SqliteQueue(const SqliteOptions& options, std::unique_ptr<TaskFile> tasks);

  Moment now() const { return {clock_.wall_ms(), clock_.boot_ms()}; }

  // --- queue.db
  template <class Body>
  auto write(const Body& body) -> decltype(body(std::declval<Database&>())) {
    auto out = tasks_->write(body);
    announce_change();
    return out;
  }
  template <class Body>
  auto read(const Body& body) -> decltype(body(std::declval<Database&>())) {
    return tasks_->read(body);
  }

  // --- live.db, replaced when it is damaged or gone
  using LiveFile = std::shared_ptr<DatabaseFile>;
  Result<LiveFile> live();
  Result<LiveFile> open_live();
  Status replace_live(const LiveFile& damaged);
  /// Runs `use` (of DatabaseFile&) and once more on a new file when this one is damaged.
  template <class Use>
  auto with_live(const Use& use) -> decltype(use(std::declval<DatabaseFile&>()));
  template <class Body>
  auto live_write(const Body& body) -> decltype(body(std::declval<Database&>()));
  template <class Body>
  auto live_read(const Body& body) -> decltype(body(std::declval<Database&>()));
  void begin_live(const Standing& task);
  void forget_live(const std::vector<std::string>& ids);
  Status tidy_live();

  // --- waiting
  void announce_change();
  Status look_for_changes();

  const SqliteOptions options_;
  const Clock& clock_;
  const std::unique_ptr<TaskFile> tasks_;

  std::mutex live_mutex_;
  LiveFile live_;

  std::mutex change_mutex_;
  std::condition_variable changed_;
  uint64_t generation_ = 0;  // grows when something may have changed
  int64_t seen_tasks_ = 0, seen_live_ = 0;
  LiveFile watched_live_;
  std::chrono::steady_clock::time_point last_look_{};
};

}  // namespace maie::queue
