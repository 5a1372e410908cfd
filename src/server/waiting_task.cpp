#include "server/waiting_task.h"

#include "base/log.h"
#include "server/idempotency.h"
#include "server/submission.h"

namespace maie::server {
namespace {

// Results of requests whose client waited: for the client who lost the answer on its way.
constexpr int64_t kKeptMs = 60'000;
constexpr int64_t kKeyKeptMs = 24 * 3600 * 1000;

queue::NewTask shared_task_of(const Service& service, const http::Request& request,
                              const std::string& task_id, const jobs::Job& job,
                              const TaskRequest& how) {
  const bool job_of_its_own = how.lane == queue::Lane::kBatch;
  queue::NewTask task = task_of(service, request, task_id, job);
  task.lane = how.lane;
  const std::string_view key = request.headers.get(kIdempotencyKey);
  if (!job_of_its_own && key.empty()) task.result_ttl_ms = kKeptMs;
  if (!key.empty()) {
    task.idempotency_key = key;
    task.idempotency_hash = how.digest;
    task.idempotency_ttl_ms = kKeyKeptMs;
  } else if (!how.digest.empty()) {
    // A space is in no key of a client.
    task.idempotency_key = (job_of_its_own ? "job " : "request ") + how.digest;
    task.idempotency_hash = how.digest;
    task.idempotency_ttl_ms = kKeptMs;
  }
  return task;
}

// Nothing comes of it any more: its client left, or it failed.
bool is_dead(const std::optional<queue::Task>& task) {
  return !task || task->cancel_requested || task->state == queue::TaskState::kFailed ||
         task->state == queue::TaskState::kCancelled;
}

ApiError store_failed(const http::Request& request, const Status& status) {
  const LogScope scope({.request_id = request.id});
  log_error("a task could not be stored: " + status.message());
  return api_error_of(status);
}

}  // namespace

std::variant<TakenTask, ApiError> take_task(Service& service, const http::Request& request,
                                            const std::string& task_id, const jobs::Job& job,
                                            const TaskRequest& how) {
  if (const auto error = bad_idempotency_key(request, http::ErrorStyle::kOpenAi)) return *error;
  queue::NewTask task = shared_task_of(service, request, task_id, job, how);
  const queue::SubmitLimits limits{.max_queued = service.settings.queue.max_depth};
  auto submitted = service.queue.submit(task, limits);
  if (!submitted.has_value()) return store_failed(request, submitted.error());
  if (submitted->outcome == queue::SubmitOutcome::kExisting) {
    const auto existing = service.queue.find(submitted->task_id);
    if (!existing.has_value()) return store_failed(request, existing.error());
    if (!is_dead(*existing)) return TakenTask{submitted->task_id, false};
    task.idempotency_key.clear();
    task.idempotency_hash.clear();
    submitted = service.queue.submit(task, limits);
    if (!submitted.has_value()) return store_failed(request, submitted.error());
  }
  if (submitted->outcome == queue::SubmitOutcome::kConflict) return idempotency_conflict();
  if (submitted->outcome == queue::SubmitOutcome::kFull) return queue_full(service);
  const LogScope scope({.request_id = request.id, .task_id = task_id});
  log_info("accepted", {{"kind", task.kind}});
  return TakenTask{task_id, true};
}

}  // namespace maie::server
