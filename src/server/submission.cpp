#include "server/submission.h"

#include <cstdio>

#include "base/log.h"
#include "server/answers.h"
#include "server/event_hub.h"
#include "server/idempotency.h"
#include "server/metrics.h"
#include "server/submit_form.h"
#include "server/upload.h"
#include "worker/worker_status.h"

namespace maie::server {
namespace {

// The tasks of models (worker::ModelSource::task) that a job cannot do without.
std::vector<std::string> needs_of(const jobs::Job& job) {
  if (const auto* audio = std::get_if<jobs::AudioJob>(&job)) {
    return audio->features.summary ? std::vector<std::string>{"transcription", "chat"}
                                   : std::vector<std::string>{"transcription"};
  }
  if (std::holds_alternative<jobs::SpeechJob>(job)) return {"transcription"};
  if (const auto* text = std::get_if<jobs::TextJob>(&job)) {
    return text->features.summary ? std::vector<std::string>{"chat"} : std::vector<std::string>{};
  }
  return {"chat"};
}

ApiError missing_file() {
  return {.status = 422,
          .code = "VALIDATION_ERROR",
          .message = "Missing or invalid 'file' field",
          .param = "file",
          .details = {{"field", "file"}}};
}

std::optional<ApiError> no_memory_ever(Service& service, const jobs::Job& job) {
  const Status status = can_ever_run(service, job);
  if (status.ok()) return std::nullopt;
  service.metrics.rejected("memory");
  return memory_error(status);
}

// A first look; submit decides. A repeated request is answered with its task, full or not.
std::optional<ApiError> no_room_in_queue(Service& service, const http::Request& request,
                                         queue::Lane lane) {
  if (request.headers.has(kIdempotencyKey)) return std::nullopt;
  const Result<int64_t> depth = service.queue.depth(lane);
  if (!depth.has_value() || *depth < service.settings.queue.max_depth) return std::nullopt;
  return queue_full(service);
}

std::optional<ApiError> too_large(const http::FormFile& file, double limit_mb) {
  const double size_mb = double(file.bytes) / 1048576;
  if (!(size_mb > limit_mb)) return std::nullopt;
  char text[96];
  std::snprintf(text, sizeof text, "File too large: %.2fMB (max %gMB)", size_mb, limit_mb);
  return ApiError{.status = 413,
                  .code = "FILE_TOO_LARGE",
                  .message = text,
                  .param = "file",
                  .details = {{"file_size_mb", size_mb},
                              {"max_size_mb", limit_mb},
                              {"filename", sanitised_file_name(file.file_name)}}};
}

}  // namespace

ApiError queue_full(Service& service) {
  service.metrics.rejected("queue_full");
  return {.status = 429,
          .code = "QUEUE_FULL",
          .message = "Queue is full. Please try again later.",
          .details = {{"queue_status", "full"}, {"retry_after", "some seconds"}},
          .should_retry = true};
}

queue::NewTask task_of(const Service& service, const http::Request& request,
                       const std::string& task_id, const jobs::Job& job) {
  queue::NewTask task;
  task.id = task_id;
  task.kind = jobs::kind_of(job);
  task.payload = jobs::to_payload(job);
  task.max_attempts = service.settings.queue.max_attempts;
  task.result_ttl_ms = int64_t(service.settings.worker.result_ttl_s * 1000);
  task.owner = request.principal;
  task.request_id = request.id;
  task.traceparent = request.headers.get("traceparent");
  return task;
}

Status can_ever_run(Service& service, const jobs::Job& job) {
  const Result<worker::LivingWorkers> workers = worker::living_workers(service.queue);
  if (!workers.has_value()) return {};
  for (const std::string& need : needs_of(job)) {
    bool asked = false, fits = false;
    std::string problem;
    for (const worker::WorkerStatus& status : workers->statuses) {
      for (const auto& offer : status.offers) {
        if (offer.task != need) continue;
        asked = true;
        fits |= offer.problem.empty();
        if (!offer.problem.empty()) problem = offer.name + ": " + offer.problem;
      }
    }
    if (asked && !fits) return resource_exhausted(problem);
  }
  return {};
}

Accepted submit_batch(Service& service, const http::Request& request, const std::string& task_id,
                      const jobs::Job& job) {
  const auto refuse = [&request](const ApiError& error) {
    return Accepted{to_response(error, http::ErrorStyle::kJobApi, request.id), false};
  };
  if (const auto error = bad_idempotency_key(request, http::ErrorStyle::kJobApi))
    return refuse(*error);
  const std::string key(request.headers.get(kIdempotencyKey));
  queue::NewTask task = task_of(service, request, task_id, job);
  task.idempotency_key = key;
  if (!key.empty()) task.idempotency_hash = digest_of(request);
  const Result<queue::Submitted> submitted =
      service.queue.submit(task, {.max_queued = service.settings.queue.max_depth});
  if (!submitted.has_value()) {
    const LogScope scope({.request_id = request.id});
    log_error("a task could not be stored: " + submitted.error().message());
    return refuse(api_error_of(submitted.error()));
  }
  switch (submitted->outcome) {
    case queue::SubmitOutcome::kCreated: {
      const LogScope scope({.request_id = request.id, .task_id = task_id});
      log_info("accepted", {{"kind", task.kind}});
      return {accepted(task_id), true};
    }
    case queue::SubmitOutcome::kExisting: return {accepted(submitted->task_id), false};
    case queue::SubmitOutcome::kConflict: return refuse(idempotency_conflict());
    case queue::SubmitOutcome::kFull: break;
  }
  return refuse(queue_full(service));
}

ApiError memory_error(const Status& status) {
  return {.status = 422,
          .code = "MODEL_MEMORY_ERROR",
          .message = "The models for this task can never fit here: " + status.message(),
          .should_retry = false};
}

std::optional<jobs::AudioJob> checked_recording(Service& service, const http::Request& request,
                                                const http::ReplyPtr& reply, queue::Lane lane) {
  std::variant<jobs::AudioJob, ApiError> read = audio_job_of(request.form, service.settings);
  if (const auto* error = std::get_if<ApiError>(&read)) {
    refuse(reply, request, *error);
    return std::nullopt;
  }
  auto job = std::get<jobs::AudioJob>(std::move(read));
  const http::FormFile* file = request.form.file("file");
  std::optional<ApiError> error = bad_idempotency_key(request, http::ErrorStyle::kJobApi);
  if (!error) error = file == nullptr ? missing_file() : check_upload(*file);
  if (!error) error = missing_template(job);
  if (!error) error = no_memory_ever(service, job);
  if (!error) error = no_room_in_queue(service, request, lane);
  if (!error) error = too_large(*file, service.settings.api.max_file_size_mb);
  if (error) {
    refuse(reply, request, *error);
    return std::nullopt;
  }
  job.file_name = sanitised_file_name(file->file_name);
  return job;
}

bool keep_recording(Service& service, const http::Request& request, const http::ReplyPtr& reply,
                    const std::string& task_id, jobs::AudioJob& job) {
  Result<std::string> audio = keep_upload(service.settings, task_id, *request.form.file("file"));
  if (!audio.has_value()) {
    refuse(reply, request, api_error_of(audio.error()));
    return false;
  }
  job.audio = std::move(*audio);
  return true;
}

}  // namespace maie::server
