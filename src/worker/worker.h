#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "config/settings.h"
#include "queue/task_queue.h"
#include "worker/models.h"

namespace maie::worker {

/// Takes tasks from the queue and works on them until `stop` asks: the body of `maie worker`, and
/// of the children that `maie serve` supervises. One lane of threads for jobs, one for interactive
/// requests (WorkerSettings); one ModelPool for all of them. After a stop it takes nothing new,
/// lets what runs end within the grace time or gives it back to the queue, and says goodbye.
/// @returns when all threads have ended; a failure when the queue is not to be reached at the
/// start.
Status run_worker(const config::Settings& settings, queue::TaskQueue& queue,
                  const CancelToken& stop);

/// The same with models of the caller's.
Status run_worker(const config::Settings& settings, queue::TaskQueue& queue, Models& models,
                  const CancelToken& stop);

/// The exit status of a worker process that left because a thread of it hangs: the supervisor
/// starts another one.
inline constexpr int kExitHung = 75;

/// Starts worker processes (this program as `maie worker`) and keeps them running: one that dies is
/// started again, after 0.2 s at first and up to 30 s when it dies at once every time. The leases
/// of a dead one end at once. Children end with this process, however it ends.
class Supervisor {
 public:
  /// What the queue did with the tasks of a child that died; called from any thread.
  using LeasesEnded = std::function<void(const queue::Maintenance&)>;
  /// @param arguments  of the child after the program's name, e.g. {"worker", "--config", "x"}
  static Result<std::unique_ptr<Supervisor>> start(const config::Settings& settings,
                                                   queue::TaskQueue& queue,
                                                   std::vector<std::string> arguments,
                                                   LeasesEnded on_leases_ended = {});
  virtual ~Supervisor() = default;  ///< stops the children
  /// Tells the children to stop (by the pipe that binds them to this process), waits until what
  /// they work on has ended, at most the grace time and some seconds, then SIGKILL.
  virtual void stop() = 0;
  virtual int running() const = 0;
  virtual int64_t restarts() const = 0;
};

/// What binds a child of the Supervisor to it: asks `stop` when the supervisor has gone or wants
/// the child to stop. In a process that nobody supervises it does nothing.
class Lifeline {
 public:
  explicit Lifeline(CancelToken& stop);
  ~Lifeline();
  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;

  /// The number that the supervisor gave this child, from 1; 0 without one.
  static int number();

 private:
  std::atomic<bool> finished_{false};
  std::thread thread_;
};

}  // namespace maie::worker
