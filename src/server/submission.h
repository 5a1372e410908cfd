#pragma once

#include <optional>
#include <string>

#include "jobs/job.h"
#include "server/errors.h"
#include "server/http/reply.h"
#include "server/service.h"

namespace maie::server {

/// A task of the batch lane for this job of this request, without an idempotency key.
queue::NewTask task_of(const Service& service, const http::Request& request,
                       const std::string& task_id, const jobs::Job& job);

/// kResourceExhausted with the numbers when no living worker can ever load what the job needs.
Status can_ever_run(Service& service, const jobs::Job& job);

/// 429: as many tasks wait as may; counted.
ApiError queue_full(Service& service);

/// Submits a job of the batch lane and says so: 202 with task id and Location, or the refusal of
/// docs/spec/service.md, 1.4. The recording, if any, is where the job says already.
/// @param created  false where an idempotency key brought an earlier task
struct Accepted {
  http::Response response;
  bool created = false;
};
Accepted submit_batch(Service& service, const http::Request& request, const std::string& task_id,
                      const jobs::Job& job);

/// 422 MODEL_MEMORY_ERROR with the numbers of can_ever_run.
ApiError memory_error(const Status& status);

/// What the routes with a recording check, in the order of docs/spec/service.md, 1.5: fields, file,
/// template, then room in the queue, so that a full one costs no flush of the disk, and the size.
/// @param lane  where the task is to wait. nullopt: refused.
std::optional<jobs::AudioJob> checked_recording(Service& service, const http::Request& request,
                                                const http::ReplyPtr& reply, queue::Lane lane);

/// The upload becomes the task's recording. False: refused.
bool keep_recording(Service& service, const http::Request& request, const http::ReplyPtr& reply,
                    const std::string& task_id, jobs::AudioJob& job);

/// POST /v1/process-sync
void add_sync_route(http::Router& router, Service& service);

}  // namespace maie::server
