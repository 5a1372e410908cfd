#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "queue/task_queue.h"
#include "tests/queue/manual_clock.h"

namespace maie::queue {

/// One task of the model. Times without "wall" are of the world's time, which neither jumps nor
/// stops while the machine is off; 0: none.
struct ModelTask {
  NewTask submitted;
  TaskState state = TaskState::kQueued;
  bool cancel_requested = false;
  int attempts = 0;
  bool dead = false;
  std::string stage, worker;
  TaskError error;  ///< the message is the engine's own where the queue speaks (WORKER_LOST)
  std::optional<WallMs> started_wall, finished_wall;
  WallMs created_wall = 0;

  std::string token;  ///< of the lease that is held; empty: none
  int64_t lease_until = 0, ready_at = 0, expires_at = 0, key_until = 0;

  std::map<std::string, std::string> checkpoints;
  std::optional<std::string> result;

  bool live_is_known = false;  ///< what is live is promised from a claim on, while it is held
  std::optional<double> fraction;
  std::vector<std::string> events;
};

/// The promises of task_queue.h as plain rules over a list in memory, in order of arrival: what a
/// store is compared with. Written from the comments there, not from any engine. One thread.
class QueueModel {
 public:
  explicit QueueModel(const ManualClock& clock) : clock_(clock) {}

  // --- the world
  void pass(int64_t milliseconds) { now_ += milliseconds; }
  void restart_machine(int64_t off_ms);  ///< ends all leases, loses what is live
  int64_t now() const { return now_; }

  // --- as TaskQueue; nullopt of submit: refused as kInvalidInput
  std::optional<Submitted> submit(const NewTask& task, const SubmitLimits& limits);
  void cancel(ModelTask& task);
  Removal remove(const std::string& id);
  Retry retry(const std::string& id);
  QueueCounts counts() const;
  int64_t depth(Lane lane) const;
  std::vector<std::string> list(const TaskFilter& filter) const;  ///< all pages

  /// The task that a claim must bring; null when none is ready.
  ModelTask* next(Lane lane);
  /// The task of a lease; null when the lease is not held any more.
  ModelTask* held(const Lease& lease);
  // For the holder of the lease:
  void lend(ModelTask& task, const ClaimRequest& request, const std::string& token);
  void succeed(ModelTask& task, const std::string& result);
  void fail(ModelTask& task, const Failure& failure);
  void release(ModelTask& task);
  void end(ModelTask& task, TaskState state, const TaskError& error = {}, bool dead = false);

  Maintenance maintain();
  Maintenance end_leases_of(const std::string& worker);

  ModelTask* find(const std::string& id);
  std::vector<ModelTask>& tasks() { return tasks_; }
  const std::vector<ModelTask>& tasks() const { return tasks_; }

 private:
  void offer(ModelTask& task, const TaskError& error, int64_t delay_ms);
  void lose(ModelTask& task, Maintenance& out);

  const ManualClock& clock_;
  int64_t now_ = 1;
  std::vector<ModelTask> tasks_;
};

}  // namespace maie::queue
