#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace maie::cli {

/// What `maie status` knows of a service, from a server that runs or from its queue. Absent: not
/// said.
struct ServiceStatus {
  std::string source;  ///< "http://127.0.0.1:8000", or the data folder
  std::string version;
  std::string state;  ///< "healthy", "unhealthy", "ok", ...; empty without a server
  std::vector<std::pair<std::string, std::string>> checks;  ///< of /readyz
  std::vector<std::pair<std::string, int64_t>> tasks;       ///< by state
  std::optional<int64_t> workers;
  struct Model {
    std::string name;
    bool loaded = false;
    uint64_t bytes = 0;
  };
  std::vector<Model> models;
  std::optional<uint64_t> memory_budget, memory_reserved, disk_free, disk_size;
};

/// One task as the job API tells of it, without its result.
struct TaskStatus {
  std::string id, state, stage, error, error_code, submitted_at, completed_at;
  std::optional<double> fraction;  ///< done, 0 to 1
  std::optional<double> seconds_left;
};

/// Of the answer to GET /v1/tasks/{id}; members that are not there stay empty.
TaskStatus task_status_from(const Json& view);

std::string to_table(const ServiceStatus& status);
std::string to_table(const TaskStatus& task);
Json to_json(const ServiceStatus& status);
Json to_json(const TaskStatus& task);

}  // namespace maie::cli
