#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
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

}  // namespace maie::worker
