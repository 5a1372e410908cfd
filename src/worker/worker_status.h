#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "queue/task_queue.h"
#include "worker/model_pool.h"

namespace maie::worker {

/// What a worker says of itself (queue::WorkerRecord::status): JSON both ways.
struct WorkerStatus {
  std::string host;
  int64_t pid = 0;
  std::string version;
  int jobs = 0, interactive = 0;                                      ///< places
  std::vector<std::string> tasks;                                     ///< in work
  uint64_t budget_bytes = 0, reserved_bytes = 0, resident_bytes = 0;  ///< of models; of the process
  std::vector<ResidentModel> models;
  using Offered = OfferedModel;
  std::vector<Offered> offers;  ///< models it can load
};

std::string to_text(const WorkerStatus& status);
Result<WorkerStatus> worker_status_of(std::string_view text);

/// Who said within the last 30 seconds that it lives; workers say so every two.
struct LivingWorkers {
  int64_t count = 0;
  std::vector<WorkerStatus> statuses;  ///< without workers of a version that says it otherwise
};
Result<LivingWorkers> living_workers(queue::TaskQueue& queue);

}  // namespace maie::worker
