#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>

#include "jobs/stored_result.h"
#include "queue/task_queue.h"

namespace maie::server {

/// The result of a task that succeeded; nullopt where there is none (any more), or where it is of a
/// version whose stages are not known.
std::optional<jobs::StoredResult> result_of(queue::TaskQueue& queue, const queue::Task& task);

/// Remembers the ends of tasks that were told of, the last few thousand: who follows the queue and
/// who removes an answered task may both tell. Any thread.
class EndedTasks {
 public:
  /// True once for each end of a task; a task that is tried anew may end again.
  bool first_time(const queue::Task& task);

 private:
  std::mutex mutex_;  // guards the rest
  std::unordered_set<std::string> ends_;
  std::deque<std::string> order_;
};

}  // namespace maie::server
