#include "server/known_task.h"

#include "base/log.h"
#include "server/answers.h"
#include "server/upload.h"

namespace maie::server {

ApiError no_such_task(std::string_view id) {
  return {.status = 404,
          .code = "TASK_NOT_FOUND",
          .message = "Task " + std::string(id.substr(0, 64)) + " not found"};
}

std::optional<queue::Task> known_task(Service& service, const http::Request& request,
                                      const http::ReplyPtr& reply) {
  const std::string_view id = request.param("task_id");
  if (!is_task_id(id)) {
    refuse(reply, request, {.status = 404, .code = "TASK_NOT_FOUND", .message = "Not Found"});
    return std::nullopt;
  }
  Result<std::optional<queue::Task>> task = service.queue.find(id);
  if (!task.has_value()) {
    log_error("a task could not be read: " + task.error().message());
    refuse(reply, request, api_error_of(task.error()));
    return std::nullopt;
  }
  if (!*task) refuse(reply, request, no_such_task(id));
  return std::move(*task);
}

std::optional<jobs::StoredResult> known_result(Service& service, const queue::Task& task,
                                               const http::Request& request,
                                               const http::ReplyPtr& reply) {
  const Result<std::optional<std::string>> stored = service.queue.result(task.id);
  if (stored.has_value() && !*stored) {
    refuse(reply, request, no_such_task(task.id));
    return std::nullopt;
  }
  Result<jobs::StoredResult> result =
      stored.has_value() ? jobs::result_from_bytes(**stored) : stored.error();
  if (!result.has_value()) {
    refuse(reply, request, api_error_of(result.error()));
    return std::nullopt;
  }
  return std::move(*result);
}

}  // namespace maie::server
