#include "server/known_task.h"

#include "base/log.h"
#include "server/upload.h"

namespace maie::server {

ApiError no_such_task(std::string_view id) {
  return {.status = 404,
          .code = "TASK_NOT_FOUND",
          .message = "Task " + std::string(id.substr(0, 64)) + " not found"};
}

void send_json(const http::ReplyPtr& reply, const Json& json, int status) {
  http::Response response;
  response.status = status;
  response.body = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  reply->send(std::move(response));
}

void refuse(const http::ReplyPtr& reply, const http::Request& request, const ApiError& error) {
  reply->send(to_response(error, http::ErrorStyle::kJobApi, request.id));
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

}  // namespace maie::server
