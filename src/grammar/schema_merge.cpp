#include "grammar/schema_merge.h"

#include <algorithm>
#include <array>
#include <map>

namespace maie::grammar {
namespace {

// Keywords we enforce.
const std::set<std::string>& enforced() {
  static const std::set<std::string> words{"type",       "properties",
                                           "required",   "additionalProperties",
                                           "items",      "prefixItems",
                                           "minItems",   "maxItems",
                                           "minLength",  "maxLength",
                                           "enum",       "const",
                                           "pattern",    "minimum",
                                           "maximum",    "exclusiveMinimum",
                                           "format",     "exclusiveMaximum",
                                           "multipleOf", "anyOf",
                                           "oneOf",      "allOf",
                                           "$ref",       "nullable",
                                           "uniqueItems"};
  return words;
}

// Keywords that forbid something and that no automaton of ours keeps; and what to do instead.
const std::map<std::string, std::string>& refused() {
  static const std::map<std::string, std::string> words{
      {"not", "list what is allowed with enum or anyOf"},
      {"if", "list the cases with anyOf"},
      {"then", "list the cases with anyOf"},
      {"else", "list the cases with anyOf"},
      {"dependentRequired", "list the cases with anyOf"},
      {"dependentSchemas", "list the cases with anyOf"},
      {"dependencies", "list the cases with anyOf"},
      {"patternProperties", "name the members in properties, or use additionalProperties"},
      {"propertyNames", "name the members in properties"},
      {"minProperties", "name the members in properties and required"},
      {"maxProperties", "name the members in properties"},
      {"contains", "describe the items with items or prefixItems"},
      {"minContains", "describe the items with items or prefixItems"},
      {"maxContains", "describe the items with items or prefixItems"},
      {"unevaluatedItems", "use items"},
      {"unevaluatedProperties", "use additionalProperties"},
      {"additionalItems", "use prefixItems and items"},
      {"$dynamicRef", "use $ref"},
      {"$recursiveRef", "use $ref"}};
  return words;
}

bool overlap(const Json& a, const Json& b) {
  return std::any_of(a.begin(), a.end(), [&](const Json& value) {
    return std::find(b.begin(), b.end(), value) != b.end();
  });
}

// The values of enum or const, or null where there is neither.
Json listed(const Json& schema) {
  if (schema.contains("const")) return Json::array({schema["const"]});
  return schema.contains("enum") ? schema["enum"] : Json();
}

bool has_name(const Json& names, const Json& name) {
  return names.is_array() && std::find(names.begin(), names.end(), name) != names.end();
}

Json both_of(const Json& a, const Json& b) {
  return a == b ? a : Json{{"allOf", Json::array({a, b})}};
}

Result<Json> merge_word(const std::string& word, const Json& a, const Json& b,
                        const std::string& pointer) {
  static const std::set<std::string> largest{"minimum", "exclusiveMinimum", "minItems",
                                             "minLength"};
  static const std::set<std::string> smallest{"maximum", "exclusiveMaximum", "maxItems",
                                              "maxLength"};
  if (a == b) return a;
  if (a.is_number() && b.is_number() && largest.contains(word)) return a < b ? b : a;
  if (a.is_number() && b.is_number() && smallest.contains(word)) return a < b ? a : b;
  if (word == "items") return both_of(a, b);
  if (word == "uniqueItems") return Json(true);
  if (word == "nullable") return Json(false);
  if (word == "required" && a.is_array() && b.is_array()) {
    Json names = a;
    for (const auto& name : b) {
      if (!has_name(names, name)) names.push_back(name);
    }
    return names;
  }
  if (word == "enum" && a.is_array() && b.is_array()) {
    Json values = Json::array();
    for (const auto& value : a) {
      if (has_name(b, value)) values.push_back(value);
    }
    return values;
  }
  return at_pointer(Code::kUnsupported, pointer,
                    "two different \"" + word + "\" have to hold at once; write them as one");
}

// Members of two object schemas. A closed side drops what it does not list.
Status merge_members(Json& out, const Json& a, const Json& b, const std::string& pointer) {
  const Json none = Json::object();
  const Json& left = a.contains("properties") ? a["properties"] : none;
  const Json& right = b.contains("properties") ? b["properties"] : none;
  if (!left.is_object() || !right.is_object())
    return at_pointer(Code::kInvalidInput, pointer, "\"properties\" must be an object");
  const auto rest = [](const Json& schema) {
    return schema.contains("additionalProperties") ? schema["additionalProperties"] : Json(true);
  };
  const Json left_rest = rest(a), right_rest = rest(b);
  Json members = Json::object();
  const auto take = [&](const std::string& name, const Json& schema, const Json& other_rest) {
    members[name] = other_rest == Json(true) ? schema : both_of(schema, other_rest);
  };
  for (const auto& [name, schema] : left.items()) {
    if (right.contains(name)) {
      members[name] = both_of(schema, right[name]);
    } else {
      take(name, schema, right_rest);
    }
  }
  for (const auto& [name, schema] : right.items()) {
    if (!left.contains(name)) take(name, schema, left_rest);
  }
  if (!members.empty()) out["properties"] = std::move(members);
  if (a.contains("additionalProperties") || b.contains("additionalProperties")) {
    out["additionalProperties"] = left_rest == Json(true)    ? right_rest
                                  : right_rest == Json(true) ? left_rest
                                                             : both_of(left_rest, right_rest);
  }
  return {};
}

}  // namespace

Status at_pointer(Code code, const std::string& pointer, const std::string& what) {
  return {code, "schema at \"" + pointer + "\": " + what};
}

std::string pointer_step(const std::string& name) {
  std::string out = "/";
  for (const char c : name) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

bool is_annotation(const std::string& keyword) {
  return !enforced().contains(keyword) && !refused().contains(keyword);
}

Status refuse_unsupported(const Json& schema, const std::string& pointer) {
  for (const auto& [word, value] : schema.items()) {
    const auto it = refused().find(word);
    if (it == refused().end()) continue;
    return at_pointer(Code::kUnsupported, pointer + pointer_step(word),
                      "\"" + word + "\" cannot be enforced while writing; " + it->second);
  }
  return {};
}

std::set<std::string> types_of(const Json& schema) {
  std::set<std::string> types;
  if (!schema.contains("type")) {
    types = {"null", "boolean", "integer", "number", "string", "array", "object"};
  } else if (schema["type"].is_string()) {
    types.insert(schema["type"].get<std::string>());
  } else {
    for (const auto& t : schema["type"]) {
      if (t.is_string()) types.insert(t.get<std::string>());
    }
  }
  if (json_bool(schema, "nullable", false)) types.insert("null");
  if (types.contains("number")) types.insert("integer");
  return types;
}

Result<Json> merge_schemas(const Json& a, const Json& b, const std::string& pointer) {
  if (a.is_boolean()) return a.get<bool>() ? b : a;
  if (b.is_boolean()) return b.get<bool>() ? a : b;
  if (!a.is_object() || !b.is_object())
    return at_pointer(Code::kInvalidInput, pointer, "a schema must be an object, true or false");
  MAIE_TRY(refuse_unsupported(a, pointer));
  MAIE_TRY(refuse_unsupported(b, pointer));
  Json out = Json::object();
  if (a.contains("type") || b.contains("type")) {
    const auto left = types_of(a), right = types_of(b);
    out["type"] = Json::array();
    for (const auto& t : left) {
      if (right.contains(t)) out["type"].push_back(t);
    }
  }
  MAIE_TRY(merge_members(out, a, b, pointer));
  const Json left_values = listed(a), right_values = listed(b);
  for (const Json* side : {&a, &b}) {
    for (const auto& [word, value] : side->items()) {
      if (is_annotation(word) || word == "type" || word == "nullable" || word == "properties" ||
          word == "additionalProperties") {
        continue;
      }
      // const and enum become one enum.
      const std::string name = word == "const" ? "enum" : word;
      const Json& mine = name == "enum" ? (side == &a ? left_values : right_values) : value;
      if (!out.contains(name)) {
        out[name] = mine;
        continue;
      }
      MAIE_ASSIGN(Json merged, merge_word(name, out[name], mine, pointer));
      out[name] = std::move(merged);
    }
  }
  return out;
}

bool surely_disjoint(const Json& a, const Json& b) {
  if (!a.is_object() || !b.is_object()) return a == Json(false) || b == Json(false);
  for (const Json* s : {&a, &b}) {
    for (const char* word : {"$ref", "anyOf", "oneOf", "allOf"}) {
      if (s->contains(word)) return false;
    }
  }
  const auto left = types_of(a), right = types_of(b);
  if (std::none_of(left.begin(), left.end(), [&](const auto& t) { return right.contains(t); }))
    return true;
  const Json left_values = listed(a), right_values = listed(b);
  if (left_values.is_array() && right_values.is_array()) return !overlap(left_values, right_values);
  // Two objects told apart by a member that both must have.
  const std::set<std::string> only_object{"object"};
  if (left != only_object || right != only_object) return false;
  if (!a.contains("properties") || !b.contains("properties") || !a["properties"].is_object() ||
      !b["properties"].is_object() || !a.contains("required") || !b.contains("required")) {
    return false;
  }
  for (const auto& [name, schema] : a["properties"].items()) {
    if (!has_name(a["required"], name) || !has_name(b["required"], name)) continue;
    if (!b["properties"].contains(name)) continue;
    const Json &x = schema, &y = b["properties"][name];
    if (!x.is_object() || !y.is_object()) continue;
    const Json xs = listed(x), ys = listed(y);
    if (xs.is_array() && ys.is_array() && !overlap(xs, ys)) return true;
  }
  return false;
}

}  // namespace maie::grammar
