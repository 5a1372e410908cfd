// GET /v1/tasks/{task_id}/result.{json,txt,srt,vtt,tsv,md}: views of the one stored result.
#include <charconv>

#include "jobs/job.h"
#include "jobs/stored_result.h"
#include "server/answers.h"
#include "server/form_values.h"
#include "server/known_task.h"
#include "server/openapi_schemas.h"
#include "server/task_route_groups.h"

namespace maie::server {
namespace {

using http::ReplyPtr;
using http::Request;
using jobs::ResultFormat;

constexpr double kMostSeconds = 3600;

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

// JSON, text, table and page know none of the options.
bool is_subtitle(ResultFormat format) {
  return format == ResultFormat::kSrt || format == ResultFormat::kVtt;
}

// A number of the query within its bounds; false: it is wrong.
bool read_number(const Request& request, std::string_view name, int least, int most, int& value) {
  const auto text = request.query_value(name);
  if (!text || text->empty()) return true;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  return error == std::errc() && end == text->data() + text->size() && value >= least &&
         value <= most;
}

// The same in seconds.
bool read_seconds(const Request& request, std::string_view name, double& value) {
  const auto text = request.query_value(name);
  if (!text || text->empty()) return true;
  const std::optional<double> seconds = number_of(*text);
  if (!seconds || !(*seconds >= 0 && *seconds <= kMostSeconds)) return false;
  value = *seconds;
  return true;
}

bool read_flag(const Request& request, std::string_view name, bool& value) {
  const auto text = request.query_value(name);
  if (!text || text->empty()) return true;
  const std::optional<bool> flag = flag_of(*text);
  value = flag.value_or(false);
  return flag.has_value();
}

// docs/spec/interfaces.md, 7: the options that SRT and WebVTT share. The parameter that is wrong,
// or nullptr.
const char* read_options(const Request& request, text::SubtitleOptions& options) {
  if (!read_number(request, "max_line_width", 2, 1000, options.max_line_width)) {
    return "max_line_width: a whole number from 2 to 1000";
  }
  if (!read_number(request, "max_line_count", 1, 100, options.max_line_count)) {
    return "max_line_count: a whole number from 1 to 100";
  }
  if (!read_number(request, "max_words", 0, 1000, options.max_words)) {
    return "max_words: a whole number from 0 to 1000";
  }
  if (!read_seconds(request, "max_cue_seconds", options.max_cue_s)) {
    return "max_cue_seconds: a number from 0 to 3600";
  }
  if (!read_seconds(request, "min_cue_seconds", options.min_cue_s)) {
    return "min_cue_seconds: a number from 0 to 3600";
  }
  if (!read_flag(request, "highlight_words", options.highlight_words)) {
    return "highlight_words: true or false";
  }
  if (!read_flag(request, "identifiers", options.identifiers)) return "identifiers: true or false";
  return nullptr;
}

std::string file_name_of(const queue::Task& task) {
  const Result<jobs::Job> job = jobs::from_payload(task.kind, task.payload);
  if (!job.has_value()) return "";
  if (const auto* audio = std::get_if<jobs::AudioJob>(&*job)) return audio->file_name;
  if (const auto* speech = std::get_if<jobs::SpeechJob>(&*job)) return speech->file_name;
  return "";
}

void send_result(Service& service, const View& view, Request& request, const ReplyPtr& reply) {
  text::SubtitleOptions options;
  const char* wrong = is_subtitle(view.format) ? read_options(request, options) : nullptr;
  if (wrong != nullptr) {
    const std::string_view message = wrong;
    return refuse(reply, request,
                  {.status = 422,
                   .code = "VALIDATION_ERROR",
                   .message = wrong,
                   .param = std::string(message.substr(0, message.find(':')))});
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
  Result<std::string> text = jobs::render(*result, view.format, options, file_name_of(*task));
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

std::vector<http::RouteDoc::Parameter> parameters_of(ResultFormat format) {
  std::vector<http::RouteDoc::Parameter> parameters = {
      doc::in_path("task_id", "Id of the task", doc::uuid())};
  if (!is_subtitle(format)) return parameters;
  const auto bounded = [](Json schema, double least, double most, Json usual) {
    schema = doc::with(doc::with(std::move(schema), "minimum", least), "maximum", most);
    return doc::with(std::move(schema), "default", std::move(usual));
  };
  const text::SubtitleOptions usual;
  const auto add = [&parameters](const char* name, const char* what, Json schema) {
    parameters.push_back(doc::in_query(name, what, std::move(schema)));
  };
  add("max_line_width", "Columns of a line; wide characters take two",
      bounded(doc::integer(), 2, 1000, usual.max_line_width));
  add("max_line_count", "Lines of a cue", bounded(doc::integer(), 1, 100, usual.max_line_count));
  add("max_words", "Words of a cue; 0: any", bounded(doc::integer(), 0, 1000, usual.max_words));
  add("max_cue_seconds", "Longest cue; 0: any",
      bounded(doc::number(), 0, kMostSeconds, usual.max_cue_s));
  add("min_cue_seconds", "Shorter cues stay longer where nothing follows",
      bounded(doc::number(), 0, kMostSeconds, usual.min_cue_s));
  add("highlight_words", "SRT: the word that is spoken, underlined; WebVTT: the time of each word",
      doc::with(doc::boolean(), "default", false));
  if (format == ResultFormat::kVtt) {
    add("identifiers", "Number the cues", doc::with(doc::boolean(), "default", false));
  }
  return parameters;
}

http::RouteDoc documentation(const View& view) {
  const Json schema = view.format == ResultFormat::kJson
                          ? doc::with(doc::object({}), "additionalProperties", true)
                          : doc::text();
  http::RouteDoc documentation = {
      .id = std::string("get_result_") + view.extension,
      .summary = std::string("The result as ") + view.extension,
      .tag = doc::kTagTasks,
      .parameters = parameters_of(view.format),
      .answers = {doc::answer(200, "The file", schema, view.content_type),
                  doc::error(404, "No such task"),
                  doc::error(409, "No result yet, or none of this form"),
                  doc::error(503, "The store does not answer")}};
  if (is_subtitle(view.format)) {
    documentation.answers.push_back(doc::error(422, "A parameter is wrong"));
  }
  return documentation;
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
