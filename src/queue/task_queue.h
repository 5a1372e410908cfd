#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "queue/task.h"

namespace maie::queue {

struct SubmitLimits {
  int64_t max_queued = 0;  ///< refuse when so many wait in the task's lane already; 0: no limit
};

enum class SubmitOutcome {
  kCreated,   ///< durable now
  kExisting,  ///< the same idempotency key and hash were submitted before: that task is returned
  kConflict,  ///< the same key with another hash: nothing was submitted
  kFull,      ///< `max_queued` wait already: nothing was submitted
};

struct Submitted {
  SubmitOutcome outcome = SubmitOutcome::kCreated;
  std::string task_id;  ///< empty when kFull
};

struct TaskFilter {
  std::vector<TaskState> states = {};  ///< empty: any
  std::string kind = {}, owner = {};   ///< empty: any
  std::optional<Lane> lane = {};
  std::optional<WallMs> created_after = {}, created_before = {};
  std::string after_id = {};  ///< continue behind this task of the page before
  int limit = 50;             ///< at most 1000
};

/// Newest first; payloads are left out.
struct TaskPage {
  std::vector<Task> tasks;
  bool more = false;
};

enum class Removal { kRemoved, kNotFound, kRunning };  ///< a running one is cancelled first
enum class Retry { kQueued, kNotFound, kNotFailed };   ///< a failed or cancelled one starts anew

struct ClaimRequest {
  std::string worker = {};  ///< WorkerRecord::id
  Lane lane = Lane::kBatch;
  std::chrono::milliseconds lease{30'000};
};

/// What a worker learns when it renews: it must stop when the lease is lost or a stop was asked.
enum class LeaseState { kHeld, kCancelRequested, kLost };

/// How an attempt failed.
struct Failure {
  TaskError error;
  bool try_again = false;              ///< offer it again while attempts are left
  std::chrono::milliseconds delay{0};  ///< not before so long
};

/// Not durable: lost with the machine's memory, gone when the task is.
struct LiveProgress {
  std::string stage = {};
  double fraction = 0;  ///< of the whole task, 0 to 1
  std::optional<double> seconds_left = {};
};

/// A piece of what a running task has made so far: bytes to the queue, numbered from 1 per attempt.
struct LiveEvent {
  int64_t number = 0;
  int attempt = 0;
  std::string data = {};
};

/// A process that takes tasks, as it describes itself. `status` is bytes to the queue (JSON of
/// resident models and the like). It counts as alive while it was announced within `ttl`.
struct WorkerRecord {
  std::string id = {};  ///< host, process and start: another one after every start
  std::string status = {};
  WallMs started = 0, seen = 0;
};

struct Maintenance {
  int64_t leases_expired = 0;
  std::vector<std::string> offered_again;  ///< ids whose worker was lost
  std::vector<std::string> failed;         ///< ids that used up their attempts
  std::vector<std::string> removed;        ///< ids past their time: their files may go
};

/// How far someone has followed the changes. Both numbers only grow.
struct ChangeCursor {
  int64_t tasks = 0;  ///< the largest Task::change
  int64_t live = 0;   ///< the same of progress and events
  bool operator==(const ChangeCursor&) const = default;
};

/// Durable tasks, shared by the processes that submit and those that work. Two engines keep the
/// same promises (tests/queue runs one suite over both):
///
///  - `submit` returns after the task is on the disk;
///  - a task has at most one lease at a time; without renewal it ends and the task is offered
///  again,
///    at most `max_attempts` times, then it fails with WORKER_LOST;
///  - the result is stored in one step with the state; a worker without lease changes nothing;
///  - a final state never changes, except by `retry` and `remove`.
///
/// Leases are measured by a clock that does not jump (since boot); a machine that was started anew
/// ends all of them. Any thread. Errors: kUnavailable where the store cannot be reached or is
/// locked for too long, kResourceExhausted on a full disk, kCorrupt, kPermissionDenied (read only);
/// the message names the file and the remedy. An operation that failed changed nothing.
class TaskQueue {
 public:
  virtual ~TaskQueue() = default;

  // --- who submits and asks
  virtual Result<Submitted> submit(const NewTask& task, const SubmitLimits& limits) = 0;
  virtual Result<std::optional<Task>> find(std::string_view id) = 0;
  virtual Result<TaskPage> list(const TaskFilter& filter) = 0;
  /// The result of a succeeded task; nullopt when it has none.
  virtual Result<std::optional<std::string>> result(std::string_view id) = 0;
  /// A queued task is cancelled at once, a running one is asked to stop.
  /// @returns the task as it is then; nullopt when there is none.
  virtual Result<std::optional<Task>> cancel(std::string_view id) = 0;
  virtual Result<Removal> remove(std::string_view id) = 0;
  virtual Result<Retry> retry(std::string_view id) = 0;
  virtual Result<QueueCounts> counts() = 0;
  /// Tasks waiting in a lane, ready or scheduled.
  virtual Result<int64_t> depth(Lane lane) = 0;

  // --- who works
  /// The next task of a lane, leased; nullopt when none is ready.
  virtual Result<std::optional<LeasedTask>> claim(const ClaimRequest& request) = 0;
  virtual Result<LeaseState> renew(const Lease& lease, std::chrono::milliseconds length) = 0;
  /// Each of these is kNotFound ("the lease was lost") when the lease is not held any more.
  virtual Status set_stage(const Lease& lease, std::string_view stage) = 0;
  /// What a later attempt need not compute again; durable. The same name replaces.
  virtual Status save_checkpoint(const Lease& lease, std::string_view name,
                                 std::string_view data) = 0;
  virtual Result<std::map<std::string, std::string>> checkpoints(const Lease& lease) = 0;
  virtual Status succeed(const Lease& lease, std::string_view result) = 0;
  virtual Status fail(const Lease& lease, const Failure& failure) = 0;
  /// Ends a task whose cancellation was asked.
  virtual Status confirm_cancel(const Lease& lease) = 0;
  /// Gives a task back as if it had not been taken: the attempt does not count.
  virtual Status release(const Lease& lease) = 0;
  virtual Status announce(const WorkerRecord& worker) = 0;  ///< `seen` is set by the queue
  virtual Status leave(std::string_view worker_id) = 0;
  virtual Result<std::vector<WorkerRecord>> workers(std::chrono::milliseconds ttl) = 0;
  /// Ends the leases of a worker that is known to be gone; its tasks are offered again.
  virtual Result<Maintenance> end_leases_of(std::string_view worker_id) = 0;

  // --- live, not durable
  virtual Status report(const Lease& lease, const LiveProgress& progress) = 0;
  virtual Status append_event(const Lease& lease, std::string_view data) = 0;
  virtual Result<std::optional<LiveProgress>> progress(std::string_view id) = 0;
  /// Events of the newest attempt behind `after`, at most `limit`.
  virtual Result<std::vector<LiveEvent>> events(std::string_view id, int64_t after, int limit) = 0;

  // --- changes
  virtual Result<ChangeCursor> cursor() = 0;
  /// Waits until cursor() differs from `seen`, the time is over or `stop` asks. Cheap: no lock is
  /// held and no disk is touched while nothing happens.
  virtual Result<ChangeCursor> wait_for_change(const ChangeCursor& seen,
                                               std::chrono::milliseconds at_most,
                                               const CancelToken& stop) = 0;
  /// Tasks whose `change` is larger than `after` (ChangeCursor::tasks), in that order, at most
  /// `limit`; without payload. Removed ones do not show.
  virtual Result<std::vector<Task>> changed_tasks(int64_t after, int limit) = 0;
  /// Ids of tasks with progress or events newer than `after` (ChangeCursor::live).
  virtual Result<std::vector<std::string>> live_tasks(int64_t after) = 0;

  /// Ends overdue leases and removes what is past its time. To be called every few seconds by at
  /// least one process. A wall clock that jumped does not remove anything early.
  virtual Result<Maintenance> maintain() = 0;

  /// Whether the store answers; a sentence for health pages otherwise.
  virtual Status ping() = 0;
  virtual std::string_view engine() const = 0;  ///< "embedded", "redis"
};

}  // namespace maie::queue
