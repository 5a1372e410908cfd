#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "config/settings.h"
#include "queue/task_queue.h"
#include "worker/job_runner.h"
#include "worker/task_run.h"

namespace maie::worker {

/// Says to the queue how a task ended: whoever is first, its own thread or the keeper.
/// @param outcome  null where the job has not returned
void end_task(queue::TaskQueue& queue, TaskRun& run, const Outcome* outcome,
              const config::Settings& settings);

/// Watches the tasks in work from a thread of its own: renews their leases, and stops those that
/// lost them, were cancelled, take too long or stand still. A job that does not return within 10 s
/// of that hangs: its task is ended, the others are given back, and the process leaves. Any thread.
class LeaseKeeper {
 public:
  LeaseKeeper(const config::Settings& settings, queue::TaskQueue& queue);
  ~LeaseKeeper();

  void add(std::shared_ptr<TaskRun> run);
  void remove(const TaskRun& run);
  std::vector<std::string> tasks() const;
  void stop_all(StopReason reason);
  /// Gives back or ends what is in work and ends the process: nothing can be joined any more.
  [[noreturn]] void leave_process(const std::string& why);

 private:
  void keep();
  void look_at(TaskRun& run);
  void look_for_cancellations(queue::ChangeCursor& seen);
  std::vector<std::shared_ptr<TaskRun>> runs() const;

  const config::Settings& settings_;
  queue::TaskQueue& queue_;
  CancelToken finished_;
  mutable std::mutex mutex_;  // guards runs_
  std::vector<std::shared_ptr<TaskRun>> runs_;
  std::thread thread_;
};

}  // namespace maie::worker
