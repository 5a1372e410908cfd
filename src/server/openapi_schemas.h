#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "server/http/router.h"

/// How a route says in few lines what OpenAPI shall tell of it (http::RouteDoc):
///
///   route.doc = {
///       .id = "get_status",
///       .summary = "State and result of a task",
///       .tag = doc::kTagTasks,
///       .parameters = {doc::in_path("task_id", "Id of the task", doc::uuid())},
///       .answers = {doc::answer(200, "The task as it is now", doc::ref("Status"))},
///   };
///
/// Errors that every route can give are added by the generator (openapi.h), from needs_key,
/// counted, body and errors of the route; name only those that are its own:
/// doc::error(404, "No such task").
namespace maie::server::doc {

/// The groups of the browsable page, in its order.
inline constexpr const char *kTagService = "Service", *kTagJobs = "Jobs", *kTagTasks = "Tasks",
                            *kTagTemplates = "Templates", *kTagModels = "Models",
                            *kTagSpeech = "Speech", *kTagChat = "Chat",
                            *kTagOperation = "Operation";

// --- schemas (JSON Schema 2020-12)

/// {"$ref": "#/components/schemas/<name>"}. The names are those of component_schemas(); a test
/// fails on one that is not there.
Json ref(std::string_view name);

Json text(std::string_view description = "");
Json integer(std::string_view description = "");
Json number(std::string_view description = "");
Json boolean(std::string_view description = "");
Json uuid(std::string_view description = "");
Json time(std::string_view description = "");   ///< RFC 3339, UTC
Json bytes(std::string_view description = "");  ///< a file of a form
Json any(std::string_view description = "");
Json list_of(Json items, std::string_view description = "");
Json one_of(std::initializer_list<const char*> words, std::string_view description = "");
/// The same schema, or null.
Json or_null(Json schema);
/// A member more: with(doc::integer("Page size"), "default", 50).
Json with(Json schema, const char* keyword, Json value);

struct Member {
  const char* name;
  Json schema;
  bool required = false;
};
/// An object; `required` lists those that are.
Json object(std::vector<Member> members, std::string_view description = "");

// --- parts of a RouteDoc

http::RouteDoc::Parameter in_path(const char* name, const char* description, Json schema = text());
http::RouteDoc::Parameter in_query(const char* name, const char* description, Json schema = text());
http::RouteDoc::Parameter in_header(const char* name, const char* description,
                                    Json schema = text());

/// An answer with a JSON body. Several answers of one status with different types become one with
/// several contents.
http::RouteDoc::Answer answer(int status, const char* description, Json schema);
http::RouteDoc::Answer answer(int status, const char* description, Json schema,
                              const char* content_type);
http::RouteDoc::Answer no_body(int status, const char* description);
/// {"error": ..., "detail": ..., "request_id": ...}
http::RouteDoc::Answer error(int status, const char* description);

/// The shared schemas by name: Error, Health, Readiness, ServiceCard, Limits, ProcessForm,
/// ProcessTextRequest, Submitted, TaskState, Status, Task, TaskList, Versions, Metrics, Results,
/// Segment, Word, SyncResult, Template, TemplateList, TemplateDetail, NewTemplate, TemplateChange,
/// Model, ModelList, TranscriptionForm, TranslationForm, Transcription, VerboseTranscription,
/// DiarizedTranscription, TranscriptEvent, Usage, ChatRequest, ChatMessage, ChatCompletion,
/// ChatChunk, ProblemExtra. Who serves one keeps it true: openapi_schemas_jobs.cpp and
/// openapi_schemas_openai.cpp are for their owners to change.
Json component_schemas();

// Its two halves.
void add_job_schemas(Json& schemas);
void add_openai_schemas(Json& schemas);

}  // namespace maie::server::doc
