#pragma once

#include <functional>
#include <memory>
#include <string>

#include "queue/task_queue.h"

namespace maie::server {

/// Follows the queue with one thread and tells who is interested in a task: thousands of watchers
/// cost one query a change. A watched task is looked at 6 to 50 times a second; while nobody
/// watches one, once a second for watch_all, and without any subscriber the thread sleeps. Any
/// thread.
class EventHub {
 public:
  explicit EventHub(queue::TaskQueue& queue);
  ~EventHub();

  /// Called from the hub's thread after anything of the task changed (state, stage, progress,
  /// events), and at once after watching began; should return soon. Of a removal only `tell` tells.
  /// Several changes may be one call: the callee asks the queue for what it wants to know.
  using Callback = std::function<void()>;
  /// Destroying the watch ends the calls; when the destructor returns none is running, unless it is
  /// run by the callback itself.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  std::unique_ptr<Watch> watch(const std::string& task_id, Callback callback);
  /// Calls the watches of a task soon: by who removed it, since the queue then says nothing.
  void tell(const std::string& task_id);
  /// All tasks, with the task as it is now; for metrics.
  std::unique_ptr<Watch> watch_all(std::function<void(const queue::Task&)> callback);
  /// Called every so often from the hub's thread (keep-alives), up to 50 ms early, so that many
  /// timers wake it together. @param period_s  at least 0.1
  std::unique_ptr<Watch> every(double period_s, Callback callback);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maie::server
