// Templates of summaries (docs/spec/service.md, 1.9).
#include <optional>
#include <variant>

#include "server/answers.h"
#include "server/openapi_schemas.h"
#include "server/service.h"

namespace maie::server {
namespace {

using http::ReplyPtr;
using http::Request;
using summary::TemplateDetail;
using summary::TemplateItem;
using summary::TemplateParts;

constexpr size_t kMostBytes = 4 << 20;  // of a template in one request

Json item_view(const TemplateItem& item) {
  return {{"id", item.id},
          {"name", item.name},
          {"description", item.description},
          {"schema_url", "/v1/templates/" + item.id + "/schema"},
          {"parameters", item.parameters.is_null() ? Json::object() : item.parameters},
          {"example", item.example}};
}

Json detail_view(const TemplateDetail& detail) {
  Json view = item_view(detail);
  view["parameters"] = Json::object();
  view["prompt_template"] = detail.prompt_template;
  view["schema_data"] = detail.schema_data;
  if (!detail.warnings.empty()) view["warnings"] = detail.warnings;
  return view;
}

ApiError invalid_template(const std::string& message) {
  const bool schema = message.find("schema") != message.npos;
  return {.status = 422,
          .code = schema ? "INVALID_TEMPLATE_SCHEMA" : "INVALID_TEMPLATE",
          .message = message};
}

// What the store refuses, in the words of the API.
ApiError error_of(const Status& status, std::string_view id) {
  switch (status.code()) {
    case Code::kNotFound:
      return {.status = 404,
              .code = "TEMPLATE_NOT_FOUND",
              .message = "Template " + std::string(id.substr(0, 100)) + " not found"};
    case Code::kInvalidInput:
    case Code::kUnsupported:
    case Code::kCorrupt: return invalid_template(status.message());
    case Code::kPermissionDenied:
      return {.status = 403,
              .code = "FORBIDDEN",
              .message = "This template comes with the program and cannot be removed",
              .should_retry = false};
    default: return api_error_of(status);
  }
}

// The parts in a body; members beyond `allowed` are refused.
std::variant<TemplateParts, ApiError> parts_of(const Json& body, bool with_id) {
  const auto invalid = [](const std::string& key, const std::string& what) {
    ApiError error{.status = 422, .code = "VALIDATION_ERROR", .message = key + ": " + what};
    error.param = key;
    error.extra = {{{"message", what}, {"key", key}, {"source", "body"}}};
    return error;
  };
  TemplateParts parts;
  for (const auto& [name, value] : body.items()) {
    if (name == "schema_data") {
      if (!value.is_object()) return invalid(name, "a JSON object");
      parts.schema_data = value;
    } else if (name == "prompt_template") {
      if (!value.is_string()) return invalid(name, "a text");
      parts.prompt_template = value.get<std::string>();
    } else if (name == "example") {
      if (!value.is_object() && !value.is_null()) return invalid(name, "a JSON object or null");
      parts.example = value;
    } else if (name != "id" || !with_id) {
      return invalid(name.substr(0, 100), "no such member");
    }
  }
  return parts;
}

std::optional<Json> body_of(const Request& request, const ReplyPtr& reply) {
  Result<Json> body = parse_json(request.body);
  if (body.has_value() && body->is_object()) return std::move(*body);
  refuse(reply, request,
         {.status = 422,
          .code = "VALIDATION_ERROR",
          .message = body.has_value() ? "the body is no JSON object"
                                      : "the body is no valid JSON: " + body.error().message()});
  return std::nullopt;
}

void list(Service& service, Request&, const ReplyPtr& reply) {
  Json items = Json::array();
  for (const TemplateItem& item : service.templates.list()) items.push_back(item_view(item));
  send_json(reply, {{"templates", std::move(items)}});
}

void get(Service& service, Request& request, const ReplyPtr& reply) {
  const std::string_view id = request.param("id");
  const Result<TemplateDetail> detail = service.templates.get(id);
  if (!detail.has_value()) return refuse(reply, request, error_of(detail.error(), id));
  send_json(reply, detail_view(*detail));
}

void get_schema(Service& service, Request& request, const ReplyPtr& reply) {
  const std::string_view id = request.param("id");
  const Result<Json> schema = service.templates.schema(id);
  if (schema.has_value()) return send_json(reply, *schema);
  ApiError error = error_of(schema.error(), id);
  if (error.status == 404) {
    error.message = schema.error().message() == "Invalid template ID"
                        ? "Invalid template ID"
                        : "Schema not found for template: " + std::string(id.substr(0, 100));
  }
  refuse(reply, request, error);
}

void create(Service& service, Request& request, const ReplyPtr& reply) {
  const std::optional<Json> body = body_of(request, reply);
  if (!body) return;
  const auto id = body->find("id");
  if (id == body->end() || !id->is_string()) {
    return refuse(
        reply, request,
        {.status = 422, .code = "VALIDATION_ERROR", .message = "id: a text", .param = "id"});
  }
  std::variant<TemplateParts, ApiError> parts = parts_of(*body, true);
  if (const auto* error = std::get_if<ApiError>(&parts)) return refuse(reply, request, *error);
  const auto& given = std::get<TemplateParts>(parts);
  if (!given.schema_data || !given.prompt_template) {
    return refuse(reply, request,
                  {.status = 422,
                   .code = "VALIDATION_ERROR",
                   .message = "schema_data and prompt_template are needed"});
  }
  const auto& name = id->get_ref<const std::string&>();
  const Result<TemplateDetail> made = service.templates.create(name, given);
  if (made.has_value()) return send_json(reply, detail_view(*made), 201);
  ApiError error = error_of(made.error(), name);
  if (error.status == 404) error = invalid_template(made.error().message());  // a bad id
  if (error.message.find("already exists") != error.message.npos) error.code = "INVALID_TEMPLATE";
  refuse(reply, request, error);
}

void update(Service& service, Request& request, const ReplyPtr& reply) {
  const std::optional<Json> body = body_of(request, reply);
  if (!body) return;
  const std::variant<TemplateParts, ApiError> parts = parts_of(*body, false);
  if (const auto* error = std::get_if<ApiError>(&parts)) return refuse(reply, request, *error);
  const std::string_view id = request.param("id");
  const Result<TemplateDetail> changed =
      service.templates.update(id, std::get<TemplateParts>(parts));
  if (!changed.has_value()) return refuse(reply, request, error_of(changed.error(), id));
  send_json(reply, detail_view(*changed));
}

void remove(Service& service, Request& request, const ReplyPtr& reply) {
  const std::string_view id = request.param("id");
  const Status status = service.templates.remove(id);
  if (!status.ok()) return refuse(reply, request, error_of(status, id));
  send_nothing(reply);
}

http::RouteDoc::Parameter template_id() { return doc::in_path("id", "Id of the template"); }

void add_read(http::Router& router, Service& service, const char* path, Action action,
              http::RouteDoc documentation) {
  documentation.tag = doc::kTagTemplates;
  router.add({.method = "GET",
              .path = path,
              .handler = handler_of(service, action),
              .doc = std::move(documentation)});
}

void add_write(http::Router& router, Service& service, const char* method, const char* path,
               Action action, http::BodyKind body, http::RouteDoc documentation) {
  documentation.tag = doc::kTagTemplates;
  documentation.answers.push_back(doc::error(507, "No room on the disk"));
  documentation.answers.push_back(doc::error(503, "The folder of templates cannot be written"));
  router.add({.method = method,
              .path = path,
              .handler = handler_of(service, action),
              .body = body,
              .max_body_bytes = kMostBytes,
              .needs_key = true,
              .counted = true,
              .doc = std::move(documentation)});
}

}  // namespace

void add_template_routes(http::Router& router, Service& service) {
  const auto missing = doc::error(404, "No such template");
  const auto detail = doc::ref("TemplateDetail");
  add_read(router, service, "/v1/templates", list,
           {.id = "list_templates",
            .summary = "All templates",
            .answers = {doc::answer(200, "Sorted by id", doc::ref("TemplateList"))}});
  add_read(router, service, "/v1/templates/{id}", get,
           {.id = "get_template",
            .summary = "A template with prompt and schema",
            .parameters = {template_id()},
            .answers = {doc::answer(200, "The template", detail), missing,
                        doc::error(422, "Its files are damaged")}});
  add_read(router, service, "/v1/templates/{id}/schema", get_schema,
           {.id = "get_template_schema",
            .summary = "The JSON Schema of a template's summaries",
            .parameters = {template_id()},
            .answers = {doc::answer(200, "The schema",
                                    doc::with(doc::object({}), "additionalProperties", true)),
                        missing, doc::error(422, "Its files are damaged")}});
  add_write(router, service, "POST", "/v1/templates", create, http::BodyKind::kBytes,
            {.id = "create_template",
             .summary = "A new template",
             .body_type = "application/json",
             .body_schema = doc::ref("NewTemplate"),
             .answers = {doc::answer(201, "It is stored", detail),
                         doc::error(403, "It comes with the program"),
                         doc::error(422, "It exists, or something in it is wrong")}});
  add_write(router, service, "PUT", "/v1/templates/{id}", update, http::BodyKind::kBytes,
            {.id = "update_template",
             .summary = "Change parts of a template",
             .parameters = {template_id()},
             .body_type = "application/json",
             .body_schema = doc::ref("TemplateChange"),
             .answers = {doc::answer(200, "As it is now", detail), missing,
                         doc::error(403, "It comes with the program"),
                         doc::error(422, "Something in it is wrong")}});
  add_write(router, service, "DELETE", "/v1/templates/{id}", remove, http::BodyKind::kNone,
            {.id = "remove_template",
             .summary = "Remove a template",
             .parameters = {template_id()},
             .answers = {doc::no_body(204, "It is gone"), missing,
                         doc::error(403, "It comes with the program")}});
}

}  // namespace maie::server
