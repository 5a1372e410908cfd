#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace maie::queue {

/// Unix time in milliseconds, UTC: when things happened, for people and for how long they are kept.
using WallMs = int64_t;

enum class TaskState {
  kQueued,     ///< waits for a worker, perhaps until `not_before`
  kRunning,    ///< a worker holds its lease
  kSucceeded,  ///< has a result
  kFailed,     ///< has an error
  kCancelled,
};

/// "queued", "running", "succeeded", "failed", "cancelled"
std::string_view to_string(TaskState state);
inline bool is_final(TaskState state) {
  return state != TaskState::kQueued && state != TaskState::kRunning;
}

/// Who waits for it. Workers keep places for each, so that a person who waits on an open connection
/// does not stand behind an hour of recordings.
enum class Lane {
  kBatch,        ///< jobs that are asked about later
  kInteractive,  ///< requests whose client holds the connection
};

/// What a failed task says: a code for programs, a sentence for people.
struct TaskError {
  std::string code = {};     ///< "AUDIO_VALIDATION_ERROR"
  std::string message = {};  ///< without paths of this machine
  std::string stage = {};    ///< "preprocessing", "asr", "llm", ""
};

/// A task as it is handed in. The payload is bytes to the queue.
struct NewTask {
  std::string id = {};    ///< UUID, chosen by the one who submits
  std::string kind = {};  ///< small closed set: it becomes a label of metrics
  Lane lane = Lane::kBatch;
  int priority = 0;  ///< larger goes first; equal ones in order of arrival
  std::string payload = {};
  int max_attempts = 3;               ///< leases it may use up before it fails
  int64_t delay_ms = 0;               ///< before it is offered for the first time
  int64_t result_ttl_ms = 0;          ///< kept so long after its end; 0: until removed
  std::string idempotency_key = {};   ///< empty: none; unique per owner while the task exists
  std::string idempotency_hash = {};  ///< of what was submitted: the same key must bring the same
  int64_t idempotency_ttl_ms = 24 * 3600 * 1000;
  std::string owner = {};        ///< who submitted it (name of a key, never the key)
  std::string request_id = {};   ///< of the request that submitted it
  std::string traceparent = {};  ///< W3C trace context, empty without
};

/// A task as the queue knows it.
struct Task {
  std::string id, kind, payload, owner, request_id, traceparent;
  Lane lane = Lane::kBatch;
  int priority = 0;
  TaskState state = TaskState::kQueued;
  std::string stage;  ///< what its worker said last; kept when it ends
  bool cancel_requested = false;
  int attempts = 0;  ///< leases so far
  int max_attempts = 0;
  std::string worker;  ///< who has or had the lease
  TaskError error;     ///< of a failed one; of a queued one, why its last attempt ended
  WallMs created = 0, updated = 0;
  std::optional<WallMs> started, finished, not_before, expires;
  int64_t change = 0;  ///< grows with every change of any task: an order of changes
};

/// The right to work on a task: only its holder may change it. It ends when the holder gives it
/// back, finishes the task, or does not renew it in time.
struct Lease {
  std::string task_id;
  std::string token;  ///< secret of this lease; a later holder has another
};

struct LeasedTask {
  Task task;
  Lease lease;
};

/// Numbers for back-pressure and metrics.
struct QueueCounts {
  int64_t queued = 0;     ///< ready to be taken
  int64_t scheduled = 0;  ///< wait for their time
  int64_t running = 0;
  int64_t succeeded = 0, failed = 0, cancelled = 0;  ///< still kept
  int64_t dead = 0;  ///< of the failed ones, those that used up their attempts
  std::optional<WallMs> oldest_queued;
};

}  // namespace maie::queue
