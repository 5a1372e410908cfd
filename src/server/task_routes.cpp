// Status, list, cancellation, removal and retry of tasks.
#include <charconv>
#include <variant>

#include "server/answers.h"
#include "server/event_hub.h"
#include "server/known_task.h"
#include "server/openapi_schemas.h"
#include "server/status_view.h"
#include "server/task_route_groups.h"
#include "server/upload.h"

namespace maie::server {
namespace {

using http::ReplyPtr;
using http::Request;

ApiError bad_query(const char* name, const std::string& what) {
  return {.status = 422,
          .code = "VALIDATION_ERROR",
          .message = std::string(name) + ": " + what,
          .param = name};
}

void get_status(Service& service, Request& request, const ReplyPtr& reply) {
  const std::string_view word = request.query_value("keys").value_or("");
  const auto keys = result_keys_of(word.empty() ? service.settings.api.result_keys : word);
  if (!keys) return refuse(reply, request, bad_query("keys", "en, vi or both"));
  const std::optional<queue::Task> task = known_task(service, request, reply);
  if (!task) return;
  jobs::StoredResult result;
  if (task->state == queue::TaskState::kSucceeded) {
    std::optional<jobs::StoredResult> stored = known_result(service, *task, request, reply);
    if (!stored) return;
    result = std::move(*stored);
  }
  send_json(reply, status_view(*task, result, *keys));
}

// The filter that a query asks for, or what is wrong with it.
std::variant<queue::TaskFilter, ApiError> filter_of(const Request& request) {
  queue::TaskFilter filter;
  for (const auto& [name, value] : request.query) {
    if (name == "state") {
      const std::vector<queue::TaskState> states = states_of(value);
      if (states.empty())
        return bad_query("state", "a state of tasks, such as PENDING or COMPLETE");
      filter.states.insert(filter.states.end(), states.begin(), states.end());
    } else if (name == "kind") {
      filter.kind = value;
    } else if (name == "owner") {
      filter.owner = value;
    } else if (name == "created_after" || name == "created_before") {
      const std::optional<queue::WallMs> time = time_from(value);
      if (!time) {
        return bad_query(name.c_str(), "a time such as 2026-01-02T03:04:05Z, or a date");
      }
      (name == "created_after" ? filter.created_after : filter.created_before) = *time;
    } else if (name == "after") {
      if (!is_task_id(value)) return bad_query("after", "the id of a task");
      filter.after_id = value;
    } else if (name == "limit") {
      int limit = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), limit);
      if (error != std::errc() || end != value.data() + value.size() || limit < 1 || limit > 1000) {
        return bad_query("limit", "a number from 1 to 1000");
      }
      filter.limit = limit;
    }
  }
  return filter;
}

void list_tasks(Service& service, Request& request, const ReplyPtr& reply) {
  const std::variant<queue::TaskFilter, ApiError> filter = filter_of(request);
  if (const auto* error = std::get_if<ApiError>(&filter)) return refuse(reply, request, *error);
  const Result<queue::TaskPage> page = service.queue.list(std::get<queue::TaskFilter>(filter));
  if (!page.has_value()) {
    const bool unknown = page.error().code() == Code::kNotFound;  // the task to continue behind
    return refuse(reply, request,
                  unknown ? no_such_task(request.query_value("after").value_or(""))
                          : api_error_of(page.error()));
  }
  Json tasks = Json::array();
  for (const queue::Task& task : page->tasks) tasks.push_back(task_view(task, std::nullopt));
  const Json next = page->more ? Json(page->tasks.back().id) : Json();
  send_json(reply, {{"tasks", std::move(tasks)}, {"has_more", page->more}, {"next", next}});
}

void get_task(Service& service, Request& request, const ReplyPtr& reply) {
  const std::optional<queue::Task> task = known_task(service, request, reply);
  if (!task) return;
  const Result<std::optional<queue::LiveProgress>> progress = service.queue.progress(task->id);
  send_json(reply, task_view(*task, progress.has_value() ? *progress : std::nullopt));
}

void cancel_task(Service& service, Request& request, const ReplyPtr& reply) {
  const std::optional<queue::Task> task = known_task(service, request, reply);
  if (!task) return;
  const Result<std::optional<queue::Task>> after = service.queue.cancel(task->id);
  if (!after.has_value()) return refuse(reply, request, api_error_of(after.error()));
  if (!*after) return refuse(reply, request, no_such_task(task->id));
  // A running one ends within two seconds; that it will is what 202 says.
  send_json(reply, task_view(**after, std::nullopt), is_final((*after)->state) ? 200 : 202);
}

void remove_task(Service& service, Request& request, const ReplyPtr& reply) {
  const std::optional<queue::Task> task = known_task(service, request, reply);
  if (!task) return;
  if (is_final(task->state) && service.task_ended) service.task_ended(*task);
  const Result<queue::Removal> removal = service.queue.remove(task->id);
  if (!removal.has_value()) return refuse(reply, request, api_error_of(removal.error()));
  if (*removal == queue::Removal::kNotFound) return refuse(reply, request, no_such_task(task->id));
  if (*removal == queue::Removal::kRunning) {
    return refuse(reply, request,
                  {.status = 409,
                   .code = "TASK_RUNNING",
                   .message = "The task is running; cancel it first, then remove it",
                   .should_retry = false});
  }
  remove_task_folder(service.settings, task->id);
  service.events.tell(task->id);
  send_nothing(reply);
}

void retry_task(Service& service, Request& request, const ReplyPtr& reply) {
  const std::optional<queue::Task> task = known_task(service, request, reply);
  if (!task) return;
  const Result<queue::Retry> retry = service.queue.retry(task->id);
  if (!retry.has_value()) return refuse(reply, request, api_error_of(retry.error()));
  switch (*retry) {
    case queue::Retry::kQueued:
      return send_json(reply, {{"task_id", task->id}, {"status", "PENDING"}}, 202);
    case queue::Retry::kNotFound: return refuse(reply, request, no_such_task(task->id));
    case queue::Retry::kNotFailed: break;
  }
  refuse(reply, request,
         {.status = 409,
          .code = "STATE_CONFLICT",
          .message = "Only a failed or cancelled task can be tried again",
          .should_retry = false});
}

http::RouteDoc::Parameter task_id() {
  return doc::in_path("task_id", "Id of the task", doc::uuid());
}

std::vector<http::RouteDoc::Answer> with_errors(std::vector<http::RouteDoc::Answer> answers) {
  answers.push_back(doc::error(404, "No such task"));
  answers.push_back(doc::error(503, "The store does not answer"));
  return answers;
}

void add(http::Router& router, Service& service, const char* method, const char* path,
         Action action, http::RouteDoc documentation) {
  documentation.tag = doc::kTagTasks;
  router.add({.method = method,
              .path = path,
              .handler = handler_of(service, action),
              .needs_key = true,
              .doc = std::move(documentation)});
}

}  // namespace

void add_task_routes(http::Router& router, Service& service) {
  const Json keys = doc::one_of({"en", "vi", "both"});
  add(router, service, "GET", "/v1/status/{task_id}", get_status,
      {.id = "get_status",
       .summary = "State and result of a task",
       .parameters = {task_id(), doc::in_query("keys", "Names of the blocks", keys)},
       .answers = with_errors({doc::answer(200, "The task as it is now", doc::ref("Status")),
                               doc::error(422, "keys is wrong")})});
  add(router, service, "GET", "/v1/tasks", list_tasks,
      {.id = "list_tasks",
       .summary = "Tasks, newest first",
       .parameters = {doc::in_query("state", "Only these; may be repeated",
                                    doc::list_of(doc::ref("TaskState"))),
                      doc::in_query("kind", "Only this kind"),
                      doc::in_query("owner", "Only of this key, by its name: key-1"),
                      doc::in_query("created_after", "Only those submitted later", doc::time()),
                      doc::in_query("created_before", "Only those submitted earlier", doc::time()),
                      doc::in_query("after", "Continue behind this task", doc::uuid()),
                      doc::in_query(
                          "limit", "Size of the page",
                          doc::with(doc::with(doc::integer(), "minimum", 1), "maximum", 1000))},
       .answers = {doc::answer(200, "A page", doc::ref("TaskList")),
                   doc::error(404, "No such task to continue behind"),
                   doc::error(422, "A parameter is wrong"),
                   doc::error(503, "The store does not answer")}});
  add(router, service, "GET", "/v1/tasks/{task_id}", get_task,
      {.id = "get_task",
       .summary = "A task with its progress",
       .parameters = {task_id()},
       .answers = with_errors({doc::answer(200, "The task", doc::ref("Task"))})});
  add(router, service, "DELETE", "/v1/tasks/{task_id}", remove_task,
      {.id = "remove_task",
       .summary = "Remove a task with its recording and result",
       .parameters = {task_id()},
       .answers =
           with_errors({doc::no_body(204, "It is gone"), doc::error(409, "It is running")})});
  add(router, service, "POST", "/v1/tasks/{task_id}/cancel", cancel_task,
      {.id = "cancel_task",
       .summary = "Stop a task",
       .parameters = {task_id()},
       .answers =
           with_errors({doc::answer(200, "It has ended", doc::ref("Task")),
                        doc::answer(202, "It will end within two seconds", doc::ref("Task"))})});
  add(router, service, "POST", "/v1/tasks/{task_id}/retry", retry_task,
      {.id = "retry_task",
       .summary = "Try a failed or cancelled task again",
       .parameters = {task_id()},
       .answers = with_errors({doc::answer(202, "It waits again", doc::ref("Submitted")),
                               doc::error(409, "It has not failed")})});
  add_result_routes(router, service);
  add_event_route(router, service);
}

}  // namespace maie::server
