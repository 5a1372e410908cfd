#include "summary/schema_rules.h"

#include <algorithm>
#include <span>

#include "base/file.h"
#include "grammar/grammar.h"
#include "text/fold.h"

namespace maie::summary {
namespace {

bool are_tags(const Json& field) {
  if (!field.is_object() || json_string(field, "type", "") != "array") return false;
  const auto items = field.find("items");
  return json_int(field, "minItems", 0) >= 1 && json_int(field, "maxItems", 11) <= 10 &&
         items != field.end() && items->is_object() && json_string(*items, "type", "") == "string";
}

Json sorted(const Json& value) {
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value) out.push_back(sorted(item));
    return out;
  }
  if (!value.is_object()) return value;
  std::vector<std::string> names;
  for (const auto& [name, member] : value.items()) names.push_back(name);
  std::sort(names.begin(), names.end());
  Json out = Json::object();
  for (const std::string& name : names) out[name] = sorted(value.at(name));
  return out;
}

}  // namespace

Status check_object_schema(const Json& schema, const std::string& id) {
  if (!schema.is_object()) {
    return invalid_input("Template schema must be a JSON object, got " +
                         std::string(schema.type_name()) + ": " + id);
  }
  const auto type = schema.find("type");
  if (type == schema.end()) return invalid_input("Template schema missing 'type' field: " + id);
  if (*type != "object") {
    return invalid_input("Template schema must be type 'object', got '" +
                         (type->is_string() ? type->get<std::string>() : to_line(*type)) +
                         "': " + id);
  }
  return {};
}

Status check_tags(const Json& schema, const std::string& id) {
  const auto properties = schema.find("properties");
  if (properties != schema.end() && properties->is_object()) {
    for (const char* name : {"tags", "thẻ"}) {
      const auto field = properties->find(name);
      if (field == properties->end()) continue;
      if (are_tags(*field)) return {};
      break;
    }
  }
  return invalid_input(
      "Template schema missing required 'tags' or 'thẻ' field: " + id +
      " (a list of strings with minItems of at least 1 and maxItems of at most 10)");
}

Status check_grammar(const Json& schema) {
  return grammar::Grammar::compile(to_line(schema)).status().within("schema");
}

Json in_nfc(const Json& value) {
  if (value.is_string()) return text::nfc(value.get_ref<const std::string&>());
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value) out.push_back(in_nfc(item));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [name, member] : value.items()) out[text::nfc(name)] = in_nfc(member);
  return out;
}

std::string hash_of(const Json& value) {
  const std::string text = to_line(sorted(value));
  return "sha256:" + sha256_hex(std::as_bytes(std::span<const char>(text.data(), text.size())));
}

std::string name_of(const Json& schema, const std::string& id) {
  for (const char* name : {"tiêu_đề", "title"}) {
    std::string title = schema.is_object() ? json_string(schema, name, "") : "";
    if (!title.empty()) return title;
  }
  std::string out;
  bool start = true;
  for (const char c : id) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const char lower = char(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    out += c == '_' ? ' ' : letter && start ? char(lower - 'a' + 'A') : lower;
    start = !letter;
  }
  return out;
}

}  // namespace maie::summary
