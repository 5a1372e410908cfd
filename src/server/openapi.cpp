#include "server/openapi.h"

#include <algorithm>

#include "base/ascii.h"
#include "server/openapi_schemas.h"

namespace maie::server {
namespace {

// An error that routes of a kind can give, by what makes it possible.
struct CommonError {
  int status;
  const char* name;  // in components/responses
  const char* description;
  bool (*applies)(const http::Route&);
};

bool has_body(const http::Route& route) { return route.body != http::BodyKind::kNone; }
bool has_parameter(const http::Route& route) { return route.path.find('{') != std::string::npos; }
bool always(const http::Route&) { return true; }
bool needs_key(const http::Route& route) { return route.needs_key; }
bool is_counted(const http::Route& route) { return route.counted; }

const CommonError kErrors[] = {
    {400, "BadRequest",
     "The request cannot be read: broken HTTP, form or JSON, or a body where none belongs", always},
    {401, "Unauthorized", "No key, or a wrong one", needs_key},
    {404, "NotFound", "No such thing", has_parameter},
    {408, "RequestTimeout", "The request came too slowly", has_body},
    {413, "ContentTooLarge", "The body is longer than allowed", has_body},
    {415, "UnsupportedMediaType", "The type or the encoding of the body is not accepted", has_body},
    {429, "TooManyRequests", "Too many requests, or the queue is full; see Retry-After",
     is_counted},
    {500, "InternalError", "A fault of the server", always},
    {503, "ServiceUnavailable",
     "The server is overloaded, stopping, or lacks its store; see Retry-After", always},
};

Json response_of(const CommonError& error) {
  Json response = {{"description", error.description},
                   {"content", {{"application/json", {{"schema", doc::ref("Error")}}}}}};
  if (error.status == 401)
    response["headers"]["WWW-Authenticate"] = {{"schema", doc::text("Bearer")}};
  if (error.status == 429 || error.status == 503)
    response["headers"]["Retry-After"] = {{"$ref", "#/components/headers/RetryAfter"}};
  return response;
}

Json components() {
  Json out;
  out["schemas"] = doc::component_schemas();
  for (const CommonError& error : kErrors) out["responses"][error.name] = response_of(error);
  out["headers"]["RetryAfter"] = {{"description", "Seconds to wait"},
                                  {"schema", {{"type", "integer"}}}};
  out["securitySchemes"] = {
      {"ApiKey", {{"type", "apiKey"}, {"in", "header"}, {"name", "X-API-Key"}}},
      {"Bearer", {{"type", "http"}, {"scheme", "bearer"}}}};
  return out;
}

// "/v1/models/{name...}" as OpenAPI writes it.
std::string path_of(const http::Route& route) {
  std::string path = route.path;
  const size_t dots = path.find("...}");
  if (dots != path.npos) path.erase(dots, 3);
  return path;
}

Json parameters_of(const http::Route& route) {
  Json list = Json::array();
  for (const http::RouteDoc::Parameter& parameter : route.doc.parameters) {
    Json item = {{"name", parameter.name},
                 {"in", parameter.in},
                 {"required", parameter.required || parameter.in == "path"},
                 {"schema", parameter.schema.is_null() ? doc::text() : parameter.schema}};
    if (!parameter.description.empty()) item["description"] = parameter.description;
    list.push_back(std::move(item));
  }
  return list;
}

Json answers_of(const http::Route& route) {
  Json answers = Json::object();
  for (const http::RouteDoc::Answer& answer : route.doc.answers) {
    Json& entry = answers[std::to_string(answer.status)];
    if (!entry.contains("description")) entry["description"] = answer.description;
    if (!answer.content_type.empty() && !answer.schema.is_null())
      entry["content"][answer.content_type]["schema"] = answer.schema;
  }
  for (const CommonError& error : kErrors) {
    const std::string status = std::to_string(error.status);
    if (error.applies(route) && !answers.contains(status))
      answers[status] = {{"$ref", std::string("#/components/responses/") + error.name}};
  }
  return answers;
}

Json operation_of(const http::Route& route) {
  const http::RouteDoc& doc = route.doc;
  Json operation = {{"operationId", doc.id}, {"summary", doc.summary}, {"tags", {doc.tag}}};
  if (!doc.description.empty()) operation["description"] = doc.description;
  if (Json parameters = parameters_of(route); !parameters.empty())
    operation["parameters"] = std::move(parameters);
  if (!doc.body_type.empty()) {
    const Json schema = doc.body_schema.is_null() ? Json::object() : doc.body_schema;
    operation["requestBody"] = {{"required", true},
                                {"content", {{doc.body_type, {{"schema", schema}}}}}};
  }
  operation["responses"] = answers_of(route);
  operation["security"] = Json::array();
  if (route.needs_key)
    operation["security"] = {{{"ApiKey", Json::array()}}, {{"Bearer", Json::array()}}};
  return operation;
}

// The groups in the order of the page, then any that a route made up.
Json tags_of(const std::vector<http::Route>& routes) {
  std::vector<std::string> names = {doc::kTagService,   doc::kTagJobs,     doc::kTagTasks,
                                    doc::kTagTemplates, doc::kTagModels,   doc::kTagSpeech,
                                    doc::kTagChat,      doc::kTagOperation};
  std::vector<std::string> used;
  for (const http::Route& route : routes) {
    if (route.documented) used.push_back(route.doc.tag);
  }
  for (const std::string& tag : used) {
    if (std::find(names.begin(), names.end(), tag) == names.end()) names.push_back(tag);
  }
  Json tags = Json::array();
  for (const std::string& name : names) {
    if (std::find(used.begin(), used.end(), name) != used.end()) tags.push_back({{"name", name}});
  }
  return tags;
}

}  // namespace

Json openapi_document(const std::vector<http::Route>& routes) {
  Json paths = Json::object();
  for (const http::Route& route : routes) {
    if (route.documented) paths[path_of(route)][lower(route.method)] = operation_of(route);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", kApiTitle},
            {"version", kApiVersion},
            {"description",
             "Recordings and texts become transcripts and summaries. Jobs are submitted and asked "
             "about later; the OpenAI routes answer on the open connection. Every failure has the "
             "one shape of the schema Error."}}},
          {"servers", Json::array({{{"url", "/"}}})},
          {"tags", tags_of(routes)},
          {"paths", std::move(paths)},
          {"components", components()}};
}

}  // namespace maie::server
