// POST /v1/process-sync (docs/spec/service.md, 10.2): the result while the connection is held.
#include <variant>

#include "server/answers.h"
#include "server/idempotency.h"
#include "server/open_requests.h"
#include "server/openapi_schemas.h"
#include "server/service.h"
#include "server/submission.h"
#include "server/upload.h"
#include "server/waiting_task.h"

namespace maie::server {
namespace {

using http::ReplyPtr;
using http::Request;

class SyncAnswer final : public TaskAnswer {
 public:
  SyncAnswer(std::string task_id, std::string request_id, ReplyPtr reply)
      : task_id_(std::move(task_id)),
        request_id_(std::move(request_id)),
        reply_(std::move(reply)) {}

  void on_result(const jobs::StoredResult& result) override {
    Json body = {{"task_id", task_id_}, {"status", "COMPLETE"}};
    body.update(jobs::result_blocks(result, jobs::ResultKeys::kBoth));
    send_json(reply_, body);
  }

  // docs/spec/service.md 10.2: the error object, with the failure of the pipeline in its details.
  void on_error(const ApiError& given) override {
    ApiError error = given;
    if (error.code == "AUDIO_VALIDATION_ERROR") error.status = 422;
    if (error.code == "NETWORK_ERROR" || error.code == "MODEL_MEMORY_ERROR") error.status = 503;
    error.details = {{"task_id", task_id_}, {"status", "error"}};
    reply_->send(to_response(error, http::ErrorStyle::kJobApi, request_id_));
  }

 private:
  const std::string task_id_, request_id_;
  const ReplyPtr reply_;
};

void process_sync(Service& service, const std::shared_ptr<OpenRequests>& open, Request& request,
                  const ReplyPtr& reply) {
  std::optional<jobs::AudioJob> job =
      checked_recording(service, request, reply, queue::Lane::kInteractive);
  if (!job) return;
  const std::string task_id = new_task_id();
  if (!keep_recording(service, request, reply, task_id, *job)) return;
  // Without a key every request is work of its own.
  const bool has_key = request.headers.has(kIdempotencyKey);
  const std::variant<TakenTask, ApiError> taken = take_task(
      service, request, task_id, *job, {.digest = has_key ? digest_of(request) : std::string()});
  const auto* task = std::get_if<TakenTask>(&taken);
  if (task == nullptr || !task->is_new) remove_task_folder(service.settings, task_id);
  if (task == nullptr) return refuse(reply, request, std::get<ApiError>(taken));
  open->follow(task->id, reply, std::make_unique<SyncAnswer>(task->id, request.id, reply));
}

}  // namespace

void add_sync_route(http::Router& router, Service& service) {
  const auto open = std::make_shared<OpenRequests>(service);
  router.add({.method = "POST",
              .path = "/v1/process-sync",
              .handler =
                  [&service, open](Request& request, const ReplyPtr& reply) {
                    process_sync(service, open, request, reply);
                  },
              .body = http::BodyKind::kForm,
              .max_body_bytes = most_form_bytes(service.settings),
              .needs_key = true,
              .counted = true,
              .doc = {.id = "process_sync",
                      .summary = "Process a recording while the connection is held",
                      .tag = doc::kTagJobs,
                      .parameters = {idempotency_key_doc()},
                      .body_type = "multipart/form-data",
                      .body_schema = doc::ref("ProcessForm"),
                      .answers = {
                          doc::answer(200, "The result", doc::ref("SyncResult")),
                          idempotency_conflict_doc(), doc::error(415, "No recording"),
                          doc::error(422, "A field is wrong"), doc::error(429, "The queue is full"),
                          doc::error(500, "It failed"), doc::error(503, "It may work later"),
                          doc::error(507, "No room on the disk")}}});
}

}  // namespace maie::server
