#include "summary/schema_places.h"

#include <algorithm>

namespace maie::summary {
namespace {

constexpr int kMostRefs = 16;  // one $ref after the other

const Json& nothing() {
  static const Json none = Json::object();
  return none;
}

}  // namespace

const Json& resolved(const Json& root, const Json& schema) {
  const Json* at = &schema;
  for (int i = 0; i < kMostRefs && at->is_object() && at->contains("$ref"); ++i) {
    const std::string ref = json_string(*at, "$ref", "");
    if (!ref.starts_with('#')) return *at;
    // A pointer that is no pointer was refused when the schema was compiled.
    const Json::json_pointer pointer(ref.substr(1));
    if (!root.contains(pointer)) return *at;
    at = &root.at(pointer);
  }
  return *at;
}

const Json& member_schema(const Json& root, const Json& schema, const std::string& name) {
  if (!schema.is_object()) return nothing();
  const auto properties = schema.find("properties");
  if (properties == schema.end() || !properties->is_object()) return nothing();
  const auto member = properties->find(name);
  return member == properties->end() ? nothing() : resolved(root, *member);
}

const Json& item_schema(const Json& root, const Json& schema) {
  if (!schema.is_object() || schema.contains("prefixItems")) return nothing();
  const auto items = schema.find("items");
  return items == schema.end() || !items->is_object() ? nothing() : resolved(root, *items);
}

bool has_type(const Json& schema, const char* type) {
  if (!schema.is_object()) return false;
  const auto types = schema.find("type");
  if (types == schema.end()) return false;
  return *types == type ||
         (types->is_array() && std::find(types->begin(), types->end(), Json(type)) != types->end());
}

const Json& schema_for(const Json& root, const Json& schema, const Json& value) {
  const Json& at = resolved(root, schema);
  for (const char* word : {"anyOf", "oneOf"}) {
    if (!at.is_object() || !at.contains(word) || !at.at(word).is_array()) continue;
    const Json* found = nullptr;
    for (const Json& unresolved : at.at(word)) {
      const Json& branch = resolved(root, unresolved);
      if (!has_type(branch, value.type_name())) continue;
      if (found != nullptr) return nothing();
      found = &branch;
    }
    return found == nullptr ? nothing() : *found;
  }
  return at;
}

}  // namespace maie::summary
