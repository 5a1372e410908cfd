#include "server/answers.h"

namespace maie::server {

http::Handler handler_of(Service& service, Action action) {
  return [&service, action](http::Request& request, const http::ReplyPtr& reply) {
    action(service, request, reply);
  };
}

http::Response json_response(const Json& json) { return {.body = to_line(json)}; }

void send_json(const http::ReplyPtr& reply, const Json& json, int status) {
  http::Response response = json_response(json);
  response.status = status;
  response.body += "\n";
  reply->send(std::move(response));
}

void send_nothing(const http::ReplyPtr& reply) { reply->send({.status = 204}); }

http::Response accepted(const std::string& task_id) {
  http::Response response{.status = 202};
  response.headers.set("Location", "/v1/tasks/" + task_id);
  response.body = Json{{"task_id", task_id}, {"status", "PENDING"}}.dump() + "\n";
  return response;
}

void refuse(const http::ReplyPtr& reply, const http::Request& request, const ApiError& error) {
  reply->send(to_response(error, http::ErrorStyle::kJobApi, request.id));
}

void refuse_openai(const http::ReplyPtr& reply, const http::Request& request,
                   const ApiError& error) {
  reply->send(to_response(error, http::ErrorStyle::kOpenAi, request.id));
}

}  // namespace maie::server
