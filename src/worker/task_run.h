#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "jobs/live.h"
#include "queue/task_queue.h"

namespace maie::worker {

/// Why a task is ended before its time.
enum class StopReason {
  kNone,
  kCancelRequested,
  kLeaseLost,
  kTimedOut,
  kStalled,
  kShutdown,  ///< of this worker: the task goes back to the queue
};

/// One leased task in work: what its job reports through, and what the keeper of leases watches.
/// Any thread.
class TaskRun {
 public:
  using Clock = std::chrono::steady_clock;

  /// How long a task may take.
  struct Limits {
    double job_s = 600, job_per_audio_s = 2, stall_s = 300;
  };

  TaskRun(queue::TaskQueue& queue, queue::LeasedTask leased, const Limits& limits);

  const queue::Task& task() const { return leased_.task; }
  const queue::Lease& lease() const { return leased_.lease; }
  const CancelToken& cancel() const { return cancel_; }

  // --- for the job

  /// A stage and its share of the whole task's time, in any unit.
  struct PlannedStage {
    std::string_view name;
    double weight = 1;
  };
  /// The stages to come, in order. Those that are skipped count as done.
  void plan(std::vector<PlannedStage> stages);
  Status begin(std::string_view stage);
  /// Of the stage in hand, 0 to 1; also a sign of life.
  void progress(double fraction);
  /// Something moved, although nothing can be said of how much.
  void alive();
  void audio_duration(double duration_s);  ///< a longer recording may take longer
  void tell(const jobs::Event& event);
  Status save_checkpoint(std::string_view name, std::string_view data);
  std::map<std::string, std::string> checkpoints();  ///< of attempts before; empty when unreadable

  /// While one lives the task waits for a model: that is no standstill, and no time of its own.
  class Waiting {
   public:
    explicit Waiting(TaskRun& run);
    ~Waiting();
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    TaskRun& run_;
  };

  // --- for the keeper

  /// Asks the job to stop; the first reason counts.
  void stop(StopReason reason);
  StopReason stop_reason() const;
  double stopping_s() const;  ///< since `stop`; 0 before it
  bool is_overdue() const;    ///< past the time limit of the task
  bool is_stalled() const;
  bool is_waiting() const;  ///< for a model
  double time_limit_s() const;
  double worked_s() const;  ///< since the lease, without waiting
  std::string stage() const;
  /// True once: who gets it says to the queue how the task ended.
  bool take_ending();
  bool is_ended() const;  ///< somebody took it
  void renewed();
  double since_renewed_s() const;

 private:
  void publish(bool always);
  double fraction_of(double stage_fraction) const;

  queue::TaskQueue& queue_;
  const queue::LeasedTask leased_;
  const Limits limits_;
  CancelToken cancel_;
  const Clock::time_point started_ = Clock::now();

  mutable std::mutex mutex_;  // guards what follows
  std::vector<PlannedStage> stages_;
  std::string stage_;
  double fraction_ = 0;
  std::optional<double> first_fraction_;  // where this attempt began
  Clock::time_point moved_ = started_, published_{}, renewed_ = started_;
  double audio_s_ = 0, waited_s_ = 0;
  std::optional<Clock::time_point> waiting_since_, stopped_at_;
  StopReason reason_ = StopReason::kNone;
  bool ending_taken_ = false;
};

}  // namespace maie::worker
