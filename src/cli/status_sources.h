#pragma once

#include <string>

#include "base/cancel.h"
#include "base/status.h"
#include "cli/status_report.h"
#include "config/settings.h"

namespace maie::cli {

/// A server to ask, and the key to show; empty: none.
struct ServerAddress {
  std::string url;  ///< without a trailing slash and /v1
  std::string key;
};

/// Asks a server that runs: /health, /readyz and /metrics, none of which needs a key usually.
/// kUnavailable when it does not answer.
Result<ServiceStatus> service_status_of(const ServerAddress& server, const CancelToken& cancel);
/// GET /v1/tasks/{id}. kNotFound, kPermissionDenied without a good key.
Result<TaskStatus> task_status_of(const ServerAddress& server, const std::string& id,
                                  const CancelToken& cancel);

/// The same from the queue and the disk of this machine, whether a server runs or not.
Result<ServiceStatus> local_service_status(const config::Settings& settings);
Result<TaskStatus> local_task_status(const config::Settings& settings, const std::string& id);

}  // namespace maie::cli
