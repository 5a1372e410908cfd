// POST /v1/process and /v1/process_text (docs/spec/service.md 1.5, 1.6).
#include <variant>

#include "server/answers.h"
#include "server/idempotency.h"
#include "server/metrics.h"
#include "server/openapi_schemas.h"
#include "server/service.h"
#include "server/submission.h"
#include "server/submit_form.h"
#include "server/upload.h"

namespace maie::server {
namespace {

using http::ReplyPtr;
using http::Request;

void process(Service& service, Request& request, const ReplyPtr& reply) {
  std::optional<jobs::AudioJob> job =
      checked_recording(service, request, reply, queue::Lane::kBatch);
  if (!job) return;
  const std::string task_id = new_task_id();
  if (!keep_recording(service, request, reply, task_id, *job)) return;
  Accepted accepted = submit_batch(service, request, task_id, *job);
  if (!accepted.created) remove_task_folder(service.settings, task_id);
  reply->send(std::move(accepted.response));
}

void process_text(Service& service, Request& request, const ReplyPtr& reply) {
  std::variant<jobs::TextJob, ApiError> read = text_job_of(request.body);
  if (const auto* error = std::get_if<ApiError>(&read)) return refuse(reply, request, *error);
  const auto& job = std::get<jobs::TextJob>(read);
  if (const Status status = can_ever_run(service, job); !status.ok()) {
    service.metrics.rejected("memory");
    return refuse(reply, request, memory_error(status));
  }
  reply->send(submit_batch(service, request, new_task_id(), job).response);
}

std::vector<http::RouteDoc::Answer> submit_answers() {
  return {doc::answer(202, "Accepted: durable on the disk", doc::ref("Submitted")),
          idempotency_conflict_doc(),
          doc::error(415, "No recording by its name, type or content"),
          doc::error(
              422, "A field is wrong, or no worker can ever hold the models (MODEL_MEMORY_ERROR)"),
          doc::error(429, "The queue is full"),
          doc::error(507, "No room on the disk")};
}

}  // namespace

void add_submit_routes(http::Router& router, Service& service) {
  router.add({.method = "POST",
              .path = "/v1/process",
              .handler = handler_of(service, process),
              .body = http::BodyKind::kForm,
              .max_body_bytes = most_form_bytes(service.settings),
              .needs_key = true,
              .counted = true,
              .doc = {.id = "process",
                      .summary = "Submit a recording",
                      .tag = doc::kTagJobs,
                      .parameters = {idempotency_key_doc()},
                      .body_type = "multipart/form-data",
                      .body_schema = doc::ref("ProcessForm"),
                      .answers = submit_answers()}});
  router.add({.method = "POST",
              .path = "/v1/process_text",
              .handler = handler_of(service, process_text),
              .body = http::BodyKind::kBytes,
              .max_body_bytes = size_t{32} << 20,
              .needs_key = true,
              .counted = true,
              .doc = {.id = "process_text",
                      .summary = "Submit a text",
                      .tag = doc::kTagJobs,
                      .parameters = {idempotency_key_doc()},
                      .body_type = "application/json",
                      .body_schema = doc::ref("ProcessTextRequest"),
                      .answers = submit_answers()}});
  if (service.settings.api.process_sync) add_sync_route(router, service);
}

}  // namespace maie::server
