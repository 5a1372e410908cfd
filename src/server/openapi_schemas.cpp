#include "server/openapi_schemas.h"

namespace maie::server::doc {
namespace {

Json typed(const char* type, std::string_view description) {
  Json schema = {{"type", type}};
  if (!description.empty()) schema["description"] = description;
  return schema;
}

Json formatted(const char* format, std::string_view description) {
  Json schema = typed("string", description);
  schema["format"] = format;
  return schema;
}

http::RouteDoc::Parameter parameter(const char* where, const char* name, const char* description,
                                    Json schema) {
  return {.name = name,
          .in = where,
          .description = description,
          .schema = std::move(schema),
          .required = std::string_view(where) == "path"};
}

}  // namespace

Json ref(std::string_view name) { return {{"$ref", "#/components/schemas/" + std::string(name)}}; }

Json text(std::string_view description) { return typed("string", description); }
Json integer(std::string_view description) { return typed("integer", description); }
Json number(std::string_view description) { return typed("number", description); }
Json boolean(std::string_view description) { return typed("boolean", description); }
Json uuid(std::string_view description) { return formatted("uuid", description); }
Json time(std::string_view description) { return formatted("date-time", description); }

Json bytes(std::string_view description) {
  Json schema = typed("string", description);
  schema["contentMediaType"] = "application/octet-stream";
  return schema;
}

Json any(std::string_view description) {
  Json schema = Json::object();
  if (!description.empty()) schema["description"] = description;
  return schema;
}

Json list_of(Json items, std::string_view description) {
  Json schema = typed("array", description);
  schema["items"] = std::move(items);
  return schema;
}

Json one_of(std::initializer_list<const char*> words, std::string_view description) {
  Json schema = typed("string", description);
  schema["enum"] = Json::array();
  for (const char* word : words) schema["enum"].push_back(word);
  return schema;
}

Json or_null(Json schema) {
  // A word of an enumeration and a reference cannot be widened by "type" alone.
  if (schema.contains("type") && schema["type"].is_string() && !schema.contains("enum")) {
    schema["type"] = {schema["type"], "null"};
    return schema;
  }
  return {{"anyOf", {std::move(schema), {{"type", "null"}}}}};
}

Json with(Json schema, const char* keyword, Json value) {
  schema[keyword] = std::move(value);
  return schema;
}

Json object(std::vector<Member> members, std::string_view description) {
  Json schema = typed("object", description);
  schema["properties"] = Json::object();
  Json required = Json::array();
  for (Member& member : members) {
    if (member.required) required.push_back(member.name);
    schema["properties"][member.name] = std::move(member.schema);
  }
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

http::RouteDoc::Parameter in_path(const char* name, const char* description, Json schema) {
  return parameter("path", name, description, std::move(schema));
}
http::RouteDoc::Parameter in_query(const char* name, const char* description, Json schema) {
  return parameter("query", name, description, std::move(schema));
}
http::RouteDoc::Parameter in_header(const char* name, const char* description, Json schema) {
  return parameter("header", name, description, std::move(schema));
}

http::RouteDoc::Answer answer(int status, const char* description, Json schema) {
  return answer(status, description, std::move(schema), "application/json");
}

http::RouteDoc::Answer answer(int status, const char* description, Json schema,
                              const char* content_type) {
  return {.status = status,
          .description = description,
          .content_type = content_type,
          .schema = std::move(schema)};
}

http::RouteDoc::Answer no_body(int status, const char* description) {
  return {.status = status, .description = description, .content_type = "", .schema = nullptr};
}

http::RouteDoc::Answer error(int status, const char* description) {
  return answer(status, description, ref("Error"));
}

Json component_schemas() {
  Json schemas = Json::object();
  add_job_schemas(schemas);
  add_openai_schemas(schemas);
  return schemas;
}

}  // namespace maie::server::doc
