// GET /v1/tasks/{task_id}/result.{json,txt,srt,vtt,tsv,md}: views of the one stored result.
#include <charconv>

#include "jobs/job.h"
#include "jobs/stored_result.h"
#include "server/answers.h"
#include "server/known_task.h"
#include "server/openapi_schemas.h"
#include "server/task_route_groups.h"

namespace maie::server {
namespace {

using http::ReplyPtr;
using http::Request;
using jobs::ResultFormat;

struct View {
  const char* extension;
  ResultFormat format;
  const char* content_type;
};

constexpr View kViews[] = {
    {"json", ResultFormat::kJson, "application/json"},
    {"txt", ResultFormat::kTxt, "text/plain; charset=utf-8"},
    {"srt", ResultFormat::kSrt, "text/plain; charset=utf-8"},
    {"vtt", ResultFormat::kVtt, "text/vtt; charset=utf-8"},
    {"tsv", ResultFormat::kTsv, "text/tab-separated-values; charset=utf-8"},
    {"md", ResultFormat::kMarkdown, "text/markdown; charset=utf-8"},
};

// A number of the query within its bounds; false: it is wrong.
bool read_number(const Request& request, std::string_view name, int least, int most, int& value) {
  const auto text = request.query_value(name);
  if (!text || text->empty()) return true;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  return error == std::errc() && end == text->data() + text->size() && value >= least &&
         value <= most;
}

std::optional<text::SubtitleOptions> subtitle_options(const Request& request) {
  text::SubtitleOptions options;
  const bool good = read_number(request, "max_line_width", 2, 1000, options.max_line_width) &&
                    read_number(request, "max_line_count", 1, 100, options.max_line_count) &&
                    read_number(request, "max_words", 0, 1000, options.max_words);
  return good ? std::optional(options) : std::nullopt;
}

std::string file_name_of(const queue::Task& task) {
  const Result<jobs::Job> job = jobs::from_payload(task.kind, task.payload);
  if (!job.has_value()) return "";
  if (const auto* audio = std::get_if<jobs::AudioJob>(&*job)) return audio->file_name;
  if (const auto* speech = std::get_if<jobs::SpeechJob>(&*job)) return speech->file_name;
  return "";
}

void send_result(Service& service, const View& view, Request& request, const ReplyPtr& reply) {
  const auto options = subtitle_options(request);
  if (!options) {
    return refuse(reply, request,
                  {.status = 422,
                   .code = "VALIDATION_ERROR",
                   .message = "max_line_width (2 to 1000), max_line_count (1 to 100) and max_words "
                              "(0 to 1000) are whole numbers"});
  }
  const std::optional<queue::Task> task = known_task(service, request, reply);
  if (!task) return;
  if (task->state != queue::TaskState::kSucceeded) {
    return refuse(
        reply, request,
        {.status = 409,
         .code = "STATE_CONFLICT",
         .message = "The task has no result (yet); GET /v1/status/" + task->id + " says why",
         .should_retry = !is_final(task->state)});
  }
  const std::optional<jobs::StoredResult> result = known_result(service, *task, request, reply);
  if (!result) return;
  Result<std::string> text = jobs::render(*result, view.format, *options, file_name_of(*task));
  if (!text.has_value()) {
    return refuse(reply, request,
                  {.status = 409,
                   .code = "STATE_CONFLICT",
                   .message = text.error().message(),
                   .should_retry = false});
  }
  http::Response response;
  response.content_type = view.content_type;
  response.body = std::move(*text);
  reply->send(std::move(response));
}

http::RouteDoc documentation(const View& view) {
  const Json schema = view.format == ResultFormat::kJson
                          ? doc::with(doc::object({}), "additionalProperties", true)
                          : doc::text();
  const auto number = [](int least, int most) {
    return doc::with(doc::with(doc::integer(), "minimum", least), "maximum", most);
  };
  return {.id = std::string("get_result_") + view.extension,
          .summary = std::string("The result as ") + view.extension,
          .tag = doc::kTagTasks,
          .parameters = {doc::in_path("task_id", "Id of the task", doc::uuid()),
                         doc::in_query("max_line_width", "Characters of a line of subtitles",
                                       number(2, 1000)),
                         doc::in_query("max_line_count", "Lines of a cue", number(1, 100)),
                         doc::in_query("max_words", "Words of a cue; 0: any", number(0, 1000))},
          .answers = {doc::answer(200, "The file", schema, view.content_type),
                      doc::error(404, "No such task"),
                      doc::error(409, "No result yet, or none of this form"),
                      doc::error(422, "A parameter is wrong"),
                      doc::error(503, "The store does not answer")}};
}

}  // namespace

void add_result_routes(http::Router& router, Service& service) {
  for (const View& view : kViews) {
    router.add({.method = "GET",
                .path = std::string("/v1/tasks/{task_id}/result.") + view.extension,
                .handler =
                    [&service, &view](Request& request, const ReplyPtr& reply) {
                      send_result(service, view, request, reply);
                    },
                .needs_key = true,
                .doc = documentation(view)});
  }
}

}  // namespace maie::server
