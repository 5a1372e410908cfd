#include "tests/server/openapi_rules.h"

#include <regex>
#include <set>

namespace maie::server {
namespace {

class Checker {
 public:
  explicit Checker(const Json& document) : document_(document) {}

  std::vector<std::string> run() {
    const std::string version = json_string(document_, "openapi", "");
    expect(std::regex_match(version, std::regex(R"(3\.1\.\d+)")), "openapi: " + version);
    const Json info = document_.value("info", Json::object());
    expect(!json_string(info, "title", "").empty() && !json_string(info, "version", "").empty(),
           "info needs title and version");
    for (const Json& tag : document_.value("tags", Json::array())) {
      const std::string name = json_string(tag, "name", "");
      expect(!name.empty() && tags_.insert(name).second, "tags: " + tag.dump());
    }
    paths();
    references(document_, "#");
    const Json schemas = part("/components/schemas");
    for (const auto& [name, schema] : schemas.items()) {
      expect(std::regex_match(name, std::regex("[A-Za-z0-9._-]+")), "schema name " + name);
      check_schema(schema, name);
    }
    return problems_;
  }

 private:
  void expect(bool holds, std::string sentence) {
    if (!holds) problems_.push_back(std::move(sentence));
  }

  Json part(const std::string& pointer) const {
    const Json::json_pointer where(pointer);
    return document_.contains(where) ? document_.at(where) : Json::object();
  }

  Json resolved(const Json& value) const {
    const std::string ref = json_string(value, "$ref", "");
    return ref.empty() ? value : part(ref.substr(1));
  }

  void references(const Json& value, const std::string& where) {
    if (value.is_object() && value.contains("$ref") && value["$ref"].is_string()) {
      const std::string ref = value["$ref"];
      const bool local = ref.rfind("#/", 0) == 0;
      expect(local && document_.contains(Json::json_pointer(ref.substr(1))),
             where + ": nothing at " + ref);
    }
    if (!value.is_structured()) return;
    for (const auto& [key, member] : value.items()) references(member, where + "/" + key);
  }

  void paths() {
    const Json paths = document_.value("paths", Json::object());
    expect(!paths.empty(), "no paths");
    std::set<std::string> shapes;
    for (const auto& [path, item] : paths.items()) {
      expect(!path.empty() && path[0] == '/', "path " + path);
      const std::string shape = std::regex_replace(path, std::regex(R"(\{[^}]*\})"), "{}");
      expect(shapes.insert(shape).second, path + " is the same as another path");
      for (const auto& [verb, operation] : item.items()) {
        static const std::regex verbs("get|put|post|delete|options|head|patch|trace");
        expect(std::regex_match(verb, verbs), path + ": " + verb);
        check_operation(verb + " " + path, path, operation);
      }
    }
  }

  void check_operation(const std::string& name, const std::string& path, const Json& operation) {
    const std::string id = json_string(operation, "operationId", "");
    expect(std::regex_match(id, std::regex("[A-Za-z][A-Za-z0-9_]*")), name + ": operationId " + id);
    expect(ids_.insert(id).second, name + ": operationId " + id + " comes twice");
    expect(!json_string(operation, "summary", "").empty(), name + ": no summary");
    const Json tags = operation.value("tags", Json::array());
    expect(!tags.empty(), name + ": no tag");
    for (const Json& tag : tags)
      expect(tag.is_string() && tags_.count(tag) > 0, name + ": tag " + tag.dump());
    check_parameters(name, path, operation);
    if (operation.contains("requestBody")) {
      check_content(name + " body",
                    resolved(operation["requestBody"]).value("content", Json::object()));
      expect(name.rfind("get ", 0) != 0, name + ": GET has a body");
    }
    check_responses(name, operation);
    for (const Json& choice : operation.value("security", Json::array())) {
      for (const auto& [scheme, scopes] : choice.items()) {
        expect(part("/components/securitySchemes").contains(scheme) && scopes.is_array(),
               name + ": security " + scheme);
      }
    }
  }

  void check_parameters(const std::string& name, const std::string& path, const Json& operation) {
    std::set<std::string> in_path, seen;
    for (const Json& given : operation.value("parameters", Json::array())) {
      const Json parameter = resolved(given);
      const std::string what = json_string(parameter, "name", ""),
                        where = json_string(parameter, "in", "");
      expect(std::regex_match(where, std::regex("path|query|header|cookie")),
             name + ": parameter " + what + " in " + where);
      expect(!what.empty() && seen.insert(where + " " + what).second,
             name + ": parameter " + what + " comes twice");
      expect(parameter.contains("schema"), name + ": parameter " + what + " has no schema");
      check_schema(parameter.value("schema", Json::object()), name + " " + what);
      if (where != "path") continue;
      in_path.insert(what);
      expect(json_bool(parameter, "required", false), name + ": " + what + " must be required");
      expect(path.find("{" + what + "}") != path.npos, name + ": no {" + what + "} in the path");
    }
    static const std::regex variable(R"(\{([^}]*)\})");
    for (std::sregex_iterator it(path.begin(), path.end(), variable), end; it != end; ++it)
      expect(in_path.count((*it)[1]) > 0, name + ": {" + (*it)[1].str() + "} is not described");
  }

  void check_responses(const std::string& name, const Json& operation) {
    const Json responses = operation.value("responses", Json::object());
    bool good = false;
    for (const auto& [status, given] : responses.items()) {
      expect(std::regex_match(status, std::regex("[1-5][0-9][0-9]|default")),
             name + ": status " + status);
      good = good || status[0] == '2' || status[0] == '3' || status == "101";
      const Json response = resolved(given);
      expect(!json_string(response, "description", "").empty(),
             name + " " + status + ": no description");
      if (response.contains("content")) check_content(name + " " + status, response["content"]);
    }
    expect(good, name + ": no answer of success");
  }

  void check_content(const std::string& name, const Json& content) {
    expect(!content.empty(), name + ": no content");
    for (const auto& [type, media] : content.items()) {
      static const std::regex media_type(R"([a-z]+/[a-z0-9.+-]+( *;.*)?)");
      expect(std::regex_match(type, media_type), name + ": type " + type);
      check_schema(media.value("schema", Json::object()), name);
    }
  }

  void check_schema(const Json& schema, const std::string& where) {
    if (schema.is_boolean()) return;
    expect(schema.is_object(), where + ": a schema is an object");
    if (!schema.is_object()) return;
    static const std::regex types("null|boolean|object|array|number|string|integer");
    if (schema.contains("type")) {
      const Json type = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
      for (const Json& word : type)
        expect(word.is_string() && std::regex_match(word.get<std::string>(), types),
               where + ": type " + word.dump());
    }
    expect(!schema.contains("nullable"), where + ": nullable is of OpenAPI 3.0");
    if (schema.contains("enum")) expect(!schema["enum"].empty(), where + ": an empty enum");
    if (schema.contains("pattern")) try_pattern(schema["pattern"], where);
    const Json properties = schema.value("properties", Json::object());
    for (const Json& name : schema.value("required", Json::array()))
      expect(properties.contains(name.get<std::string>()),
             where + ": " + name.dump() + " is required and not described");
    for (const auto& [name, member] : properties.items()) check_schema(member, where + "." + name);
    for (const char* list : {"anyOf", "oneOf", "allOf"}) {
      for (const Json& member : schema.value(list, Json::array())) check_schema(member, where);
    }
    for (const char* one : {"items", "additionalProperties"}) {
      if (schema.contains(one)) check_schema(schema[one], where + "." + one);
    }
  }

  void try_pattern(const Json& pattern, const std::string& where) {
    try {
      const std::regex read(pattern.get<std::string>());
    } catch (const std::exception& error) {
      expect(false, where + ": pattern " + pattern.dump());
    }
  }

  const Json& document_;
  std::vector<std::string> problems_;
  std::set<std::string> tags_, ids_;
};

}  // namespace

std::vector<std::string> openapi_problems(const Json& document) { return Checker(document).run(); }

}  // namespace maie::server
