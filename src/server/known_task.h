#pragma once

#include <optional>

#include "jobs/stored_result.h"
#include "queue/task.h"
#include "server/errors.h"
#include "server/http/reply.h"
#include "server/service.h"

namespace maie::server {

/// The task that the path names; nullopt where the refusal (404, 503) was sent already.
std::optional<queue::Task> known_task(Service& service, const http::Request& request,
                                      const http::ReplyPtr& reply);

/// The stored result of such a task that succeeded; nullopt where the refusal was sent already.
std::optional<jobs::StoredResult> known_result(Service& service, const queue::Task& task,
                                               const http::Request& request,
                                               const http::ReplyPtr& reply);

/// 404 TASK_NOT_FOUND
ApiError no_such_task(std::string_view id);

}  // namespace maie::server
