#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "config/settings.h"
#include "queue/task_queue.h"

namespace maie::worker {

/// Takes tasks from the queue and works on them until `stop` asks: the body of `maie worker`, and
/// of the children that `maie serve` supervises. One lane of threads for jobs, one for interactive
/// requests (WorkerSettings); one ModelPool for all of them. After a stop it takes nothing new,
/// lets what runs end within the grace time or gives it back to the queue, and says goodbye.
/// @returns when all threads have ended; a failure when the queue is not to be reached at the
/// start.
Status run_worker(const config::Settings& settings, queue::TaskQueue& queue,
                  const CancelToken& stop);

/// "<host>-<pid>-<start time>": which process a lease belongs to.
std::string worker_id_of_process();

/// Starts worker processes (this program as `maie worker`) and keeps them running: one that dies is
/// started again, after 0.2 s at first and up to 30 s when it dies at once every time. The leases
/// of a dead one end at once. Children end with this process, however it ends.
class Supervisor {
 public:
  /// @param arguments  of the child after the program's name, e.g. {"worker", "--config", "x"}
  static Result<std::unique_ptr<Supervisor>> start(const config::Settings& settings,
                                                   queue::TaskQueue& queue,
                                                   std::vector<std::string> arguments);
  virtual ~Supervisor() = default;  ///< stops the children
  /// SIGTERM to the children, then waits at most the grace time, then SIGKILL.
  virtual void stop() = 0;
  virtual int running() const = 0;
  virtual int64_t restarts() const = 0;
};

}  // namespace maie::worker
