#pragma once

#include <optional>

#include "queue/task.h"
#include "server/errors.h"
#include "server/http/reply.h"
#include "server/service.h"

namespace maie::server {

/// The task that the path names; nullopt where the refusal (404, 503) was sent already.
std::optional<queue::Task> known_task(Service& service, const http::Request& request,
                                      const http::ReplyPtr& reply);

/// 404 TASK_NOT_FOUND
ApiError no_such_task(std::string_view id);

void send_json(const http::ReplyPtr& reply, const Json& json, int status = 200);
void refuse(const http::ReplyPtr& reply, const http::Request& request, const ApiError& error);

}  // namespace maie::server
