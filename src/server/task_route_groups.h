#pragma once

#include "server/service.h"

namespace maie::server {

/// Parts of add_task_routes, each in a file of its own.
void add_result_routes(http::Router& router, Service& service);  // /v1/tasks/{id}/result.*
void add_event_route(http::Router& router, Service& service);    // /v1/tasks/{id}/events

}  // namespace maie::server
