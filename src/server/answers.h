#pragma once

#include <string>

#include "base/json.h"
#include "server/errors.h"
#include "server/http/reply.h"
#include "server/http/router.h"
#include "server/service.h"

namespace maie::server {

/// What a route does with a request.
using Action = void (*)(Service&, http::Request&, const http::ReplyPtr&);
/// The same for the table of routes; `service` outlives it.
http::Handler handler_of(Service& service, Action action);

/// 200 with the JSON alone, as the OpenAI routes send it.
http::Response json_response(const Json& json);
/// The JSON and the end of its line, as the job API sends it.
void send_json(const http::ReplyPtr& reply, const Json& json, int status = 200);
/// 204
void send_nothing(const http::ReplyPtr& reply);
/// 202: the id of a task that waits, and where to ask for it.
http::Response accepted(const std::string& task_id);

/// The error in the style of the job API, or of the OpenAI routes.
void refuse(const http::ReplyPtr& reply, const http::Request& request, const ApiError& error);
void refuse_openai(const http::ReplyPtr& reply, const http::Request& request,
                   const ApiError& error);

}  // namespace maie::server
