#include "server/response_format.h"

#include <algorithm>
#include <initializer_list>

#include "grammar/grammar.h"
#include "server/form_values.h"

namespace maie::server {
namespace {

constexpr char kName[] = "response_format";
constexpr char kAnyObject[] = R"({"type": "object"})";
constexpr size_t kLongestName = 64;
constexpr uint32_t kMostBytesOfAToken = 128;  // no vocabulary has longer ones that JSON can use

bool is_schema_name(const std::string& name) {
  return !name.empty() && name.size() <= kLongestName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  c == '_' || c == '-';
         });
}

// A typing error here would silently free the answer.
void refuse_unknown(JsonMembers& members, const Json& object, const std::string& where,
                    std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    members.refuse(invalid_value(where + "." + name, where + " has no member \"" + name + "\""));
  }
}

void compile(JsonMembers& members, const ResponseFormat& format, int64_t max_tokens) {
  const auto grammar = grammar::Grammar::compile(format.schema);
  if (!grammar.has_value()) {
    members.refuse({.status = 400,
                    .code = "SCHEMA_UNSUPPORTED",
                    .message = "the schema cannot be enforced: " + grammar.error().message(),
                    .param = "response_format"});
    return;
  }
  // The engine knows the exact number of tokens; this much no vocabulary can do.
  const uint32_t least = (*grammar)->shortest_bytes() / kMostBytesOfAToken;
  if (max_tokens > 0 && uint64_t(max_tokens) < least) {
    members.refuse(invalid_value("max_tokens", "the shortest document of the schema has " +
                                                   std::to_string((*grammar)->shortest_bytes()) +
                                                   " bytes, which do not fit in max_tokens"));
  }
}

ResponseFormat with_schema(JsonMembers& members, const Json& given) {
  constexpr char kWhere[] = "response_format.json_schema";
  const auto found = given.find("json_schema");
  if (found == given.end() || !found->is_object()) {
    members.refuse(invalid_value(kWhere, "response_format.json_schema must be an object"));
    return {};
  }
  refuse_unknown(members, *found, kWhere, {"name", "description", "schema", "strict"});
  JsonMembers inner(*found, std::string(kWhere) + ".");
  ResponseFormat format;
  format.name = inner.text("name").value_or("");
  inner.text("description");
  inner.flag("strict");
  if (inner.error()) members.refuse(*inner.error());
  if (!is_schema_name(format.name)) {
    members.refuse(invalid_value(std::string(kWhere) + ".name",
                                 "json_schema.name must be 1 to 64 letters, digits, _ or -"));
  }
  const Json* schema = inner.find("schema");
  if (schema == nullptr || !schema->is_object()) {
    members.refuse(
        invalid_value(std::string(kWhere) + ".schema", "json_schema.schema must be an object"));
    return {};
  }
  format.schema = to_line(*schema);
  return format;
}

}  // namespace

ResponseFormat read_response_format(JsonMembers& members, int64_t max_tokens) {
  const Json* given = members.find(kName);
  if (given == nullptr) return {};
  if (!given->is_object()) {
    members.refuse_value(kName, "an object");
    return {};
  }
  const std::string type = json_string(*given, "type", "");
  ResponseFormat format;
  if (type == "text") return {};
  if (type == "json_object") {
    format = {kAnyObject, "json_object"};
  } else if (type == "json_schema") {
    format = with_schema(members, *given);
  } else {
    members.refuse(unsupported_value("response_format.type",
                                     "response_format.type is text, json_object or json_schema"));
  }
  if (!members.error() && !format.schema.empty()) compile(members, format, max_tokens);
  return format;
}

}  // namespace maie::server
