#pragma once

#include <string>
#include <variant>

#include "jobs/job.h"
#include "queue/task.h"
#include "server/errors.h"
#include "server/http/message.h"
#include "server/service.h"

namespace maie::server {

/// How a request of the OpenAI routes becomes a task.
struct TaskRequest {
  queue::Lane lane = queue::Lane::kInteractive;
  /// Of everything that makes the answer; a repeated request with the same one joins the task of
  /// the first for a minute, also without an Idempotency-Key. Empty: every request is a new one.
  std::string digest = {};
};

struct TakenTask {
  std::string id;
  bool is_new = true;  ///< false: the task of an earlier request, to which this one belongs
};

/// Submits under `task_id`, or finds the task of an earlier request. Errors: 400 for an
/// Idempotency-Key that is none, 409 idempotency_conflict, 429 queue_full, 503.
std::variant<TakenTask, ApiError> take_task(Service& service, const http::Request& request,
                                            const std::string& task_id, const jobs::Job& job,
                                            const TaskRequest& how);

}  // namespace maie::server
