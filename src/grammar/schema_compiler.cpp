#include <algorithm>
#include <map>

#include "grammar/formats.h"
#include "grammar/grammar.h"
#include "grammar/numbers.h"
#include "grammar/object_node.h"
#include "grammar/regex.h"
#include "grammar/schema_merge.h"
#include "grammar/validate.h"

namespace maie::grammar {

/// Turns one schema into nodes, depth first. One use each.
class SchemaCompiler {
 public:
  SchemaCompiler(const Json& root, const GrammarLimits& limits)
      : root_(root), limits_(limits), grammar_(std::make_shared<Grammar>()) {}

  Result<std::shared_ptr<const Grammar>> run() {
    MAIE_ASSIGN(grammar_->root_, compile(root_, "", 0));
    grammar_->max_depth_ = limits_.depth;
    MAIE_TRY(refuse_circles());
    find_shortest(grammar_->nodes_);
    const Node& root = grammar_->nodes_[grammar_->root_];
    if (root.need == kUnbounded) {
      return at_pointer(Code::kInvalidInput, "",
                        "no document can keep this schema; look for bounds that cross, required "
                        "members that are not allowed, and recursion without an end");
    }
    if (root.need > limits_.shortest || root.depth > limits_.depth) {
      return at_pointer(Code::kResourceExhausted, "",
                        "the shortest document has " + std::to_string(root.need) +
                            " bytes and nests " + std::to_string(root.depth) +
                            " deep; lower its minItems and minLength");
    }
    if (limits_.refuse_unproven && !grammar_->checked_after_.empty()) {
      return at_pointer(Code::kUnsupported, grammar_->checked_after_[0],
                        "this can only be checked afterwards; remove it or tell the cases apart");
    }
    return std::shared_ptr<const Grammar>(std::move(grammar_));
  }

 private:
  using Id = Result<uint32_t>;

  std::vector<Node>& nodes() { return grammar_->nodes_; }

  Id add(Node node, const std::string& pointer) {
    states_ += node.states.size() + node.dfa.states.size();
    if (nodes().size() >= limits_.nodes || states_ > limits_.states) {
      return at_pointer(Code::kResourceExhausted, pointer,
                        "the schema needs too large an automaton; make it smaller");
    }
    nodes().push_back(std::move(node));
    return uint32_t(nodes().size() - 1);
  }

  Id union_of(std::vector<uint32_t> parts, const std::string& pointer) {
    if (parts.size() == 1) return parts[0];
    Node node;
    node.kind = Node::Kind::kUnion;
    node.parts = std::move(parts);
    return add(std::move(node), pointer);
  }

  // `$ref` -> the schema it names.
  Result<const Json*> resolve(const Json& ref, const std::string& pointer) {
    const std::string target = ref.is_string() ? ref.get<std::string>() : "";
    if (target != "#" && !target.starts_with("#/")) {
      return at_pointer(Code::kUnsupported, pointer + "/$ref",
                        "only references within the schema (\"#/$defs/...\") are followed; copy "
                        "what it names into $defs");
    }
    const Json* at = &root_;
    for (size_t begin = 1; begin < target.size();) {
      const size_t end = std::min(target.find('/', begin + 1), target.size());
      std::string name;
      for (size_t i = begin + 1; i < end; ++i) {
        if (target[i] == '~' && i + 1 < end) {
          name += target[++i] == '1' ? '/' : '~';
        } else {
          name += target[i];
        }
      }
      const Json* next = nullptr;
      if (at->is_object() && at->contains(name)) next = &(*at)[name];
      if (at->is_array() && !name.empty() && name.size() < 7 &&
          name.find_first_not_of("0123456789") == std::string::npos &&
          size_t(std::stoul(name)) < at->size()) {
        next = &(*at)[std::stoul(name)];
      }
      if (next == nullptr) {
        return at_pointer(Code::kInvalidInput, pointer + "/$ref",
                          "\"" + target + "\" names nothing in this schema");
      }
      at = next;
      begin = end;
    }
    return at;
  }

  // Without $ref beside other words and without allOf.
  Result<Json> flatten(const Json& schema, const std::string& pointer, int depth) {
    if (!schema.is_object()) return schema;
    if (depth > 32 || ++merges_ > 10'000) {
      return at_pointer(Code::kUnsupported, pointer,
                        "allOf and $ref lead around in a circle; use $ref without neighbours");
    }
    MAIE_TRY(refuse_unsupported(schema, pointer));
    Json rest = schema;
    rest.erase("allOf");
    const bool lone_ref = only_ref(schema) && depth == 0;
    if (schema.contains("$ref") && !lone_ref) {
      rest.erase("$ref");
      MAIE_ASSIGN(const Json* target, resolve(schema["$ref"], pointer));
      MAIE_ASSIGN(const Json flat, flatten(*target, pointer, depth + 1));
      MAIE_ASSIGN(rest, merge_schemas(flat, rest, pointer));
    }
    if (!schema.contains("allOf")) return rest;
    if (!schema["allOf"].is_array() || schema["allOf"].empty())
      return at_pointer(Code::kInvalidInput, pointer + "/allOf", "must be a list of schemas");
    for (const auto& part : schema["allOf"]) {
      MAIE_ASSIGN(const Json flat, flatten(part, pointer, depth + 1));
      MAIE_ASSIGN(rest, merge_schemas(rest, flat, pointer));
      if (!rest.is_object()) return rest;
    }
    return rest;
  }

  static bool only_ref(const Json& schema) {
    if (!schema.contains("$ref")) return false;
    for (const auto& [word, value] : schema.items()) {
      if (word != "$ref" && !is_annotation(word)) return false;
    }
    return true;
  }

  Id compile(const Json& written, const std::string& pointer, int depth) {
    if (depth > 100)
      return at_pointer(Code::kResourceExhausted, pointer, "nested too deep; use $ref");
    if (written.is_boolean()) return written.get<bool>() ? any() : add_never(pointer);
    if (!written.is_object())
      return at_pointer(Code::kInvalidInput, pointer, "a schema must be an object, true or false");
    MAIE_ASSIGN(const Json schema, flatten(written, pointer, 0));
    if (!schema.is_object()) return compile(schema, pointer, depth + 1);
    if (schema.contains("$ref")) return compile_ref(schema["$ref"], pointer, depth);
    for (const char* word : {"anyOf", "oneOf"}) {
      if (schema.contains(word)) return compile_choice(schema, word, pointer, depth);
    }
    MAIE_TRY(check_types(schema, pointer));
    if (schema.contains("enum") || schema.contains("const")) return compile_enum(schema, pointer);
    auto types = types_of(schema);
    if (types.contains("number")) types.erase("integer");
    if (types.size() == 6 && unconstrained(schema)) return any();
    std::vector<uint32_t> parts;
    for (const auto& type : types) {
      MAIE_ASSIGN(const uint32_t part, compile_type(schema, type, pointer, depth));
      parts.push_back(part);
    }
    return union_of(std::move(parts), pointer);
  }

  static bool unconstrained(const Json& schema) {
    for (const auto& [word, value] : schema.items()) {
      if (!is_annotation(word) && word != "type") return false;
    }
    return true;
  }

  Status check_types(const Json& schema, const std::string& pointer) {
    static const std::set<std::string> known{"null",   "boolean", "integer", "number",
                                             "string", "array",   "object"};
    if (!schema.contains("type")) return {};
    const Json& type = schema["type"];
    const Json list = type.is_array() ? type : Json::array({type});
    for (const auto& t : list) {
      if (!t.is_string() || !known.contains(t.get<std::string>()))
        return at_pointer(Code::kInvalidInput, pointer + "/type", "not a JSON type: " + t.dump());
    }
    return {};
  }

  Id compile_ref(const Json& ref, const std::string& pointer, int depth) {
    MAIE_ASSIGN(const Json* target, resolve(ref, pointer));
    const std::string name = ref.get<std::string>();
    const auto it = refs_.find(name);
    if (it != refs_.end()) return it->second;
    Node place;  // stands for the target while that is compiled, so that it may name itself
    place.kind = Node::Kind::kUnion;
    MAIE_ASSIGN(const uint32_t id, add(std::move(place), pointer));
    refs_[name] = id;
    MAIE_ASSIGN(const uint32_t node, compile(*target, name.substr(1), depth + 1));
    nodes()[id].parts = {node};
    return id;
  }

  Id compile_choice(const Json& schema, const std::string& word, const std::string& pointer,
                    int depth) {
    const Json& choices = schema[word];
    const std::string here = pointer + "/" + word;
    if (!choices.is_array() || choices.empty())
      return at_pointer(Code::kInvalidInput, here, "must be a list of schemas");
    Json rest = schema;
    rest.erase(word);
    std::vector<Json> merged;
    std::vector<uint32_t> parts;
    for (size_t i = 0; i < choices.size(); ++i) {
      Json choice = choices[i];
      if (!unconstrained(rest) || rest.contains("type")) {
        MAIE_ASSIGN(const Json flat, flatten(choice, here, 1));
        MAIE_ASSIGN(choice, merge_schemas(rest, flat, here));
      }
      merged.push_back(choice);
      MAIE_ASSIGN(const uint32_t part, compile(choice, here + "/" + std::to_string(i), depth + 1));
      parts.push_back(part);
    }
    if (word == "oneOf") {
      bool disjoint = merged.size() <= 100;
      for (size_t i = 0; i < merged.size() && disjoint; ++i) {
        for (size_t j = 0; j < i && disjoint; ++j) disjoint = surely_disjoint(merged[i], merged[j]);
      }
      if (!disjoint) grammar_->checked_after_.push_back(here);
    }
    return union_of(std::move(parts), here);
  }

  Id compile_enum(const Json& schema, const std::string& pointer) {
    Json values;
    if (schema.contains("const")) {
      values = Json::array({schema["const"]});
    } else {
      values = schema["enum"];
    }
    if (!values.is_array() || values.empty())
      return at_pointer(Code::kInvalidInput, pointer + "/enum", "must be a list of values");
    std::vector<std::string> texts;
    for (const auto& value : values) {
      MAIE_ASSIGN(const auto violations, validate(without_refs(schema), value, 1));
      if (violations.empty()) texts.push_back(value.dump());
    }
    if (texts.empty()) return add_never(pointer);
    return add(literal_node(texts), pointer);
  }

  // valijson resolves "#" against the schema it is given; an enum's neighbours need none.
  Json without_refs(const Json& schema) const {
    Json out = Json::object();
    for (const auto& [word, value] : schema.items()) {
      if (is_annotation(word) || word == "format") continue;
      out[word] = value;
    }
    return out;
  }

  Id compile_type(const Json& schema, const std::string& type, const std::string& pointer,
                  int depth) {
    if (type == "null") return add(literal_node({"null"}), pointer);
    if (type == "boolean") return add(literal_node({"true", "false"}), pointer);
    if (type == "string") return compile_string(schema, pointer);
    if (type == "array") return compile_array(schema, pointer, depth);
    if (type == "object") return compile_object(schema, pointer, depth);
    return compile_number(schema, type == "integer", pointer);
  }

  // A count such as maxItems.
  Result<uint32_t> count(const Json& schema, const char* word, uint32_t fallback,
                         const std::string& pointer) {
    if (!schema.contains(word)) return fallback;
    const Json& value = schema[word];
    const double number = value.is_number() ? value.get<double>() : -1;
    if (number < 0 || number != double(uint64_t(std::min(number, 1e15))))
      return at_pointer(Code::kInvalidInput, pointer + "/" + word, "must be a count");
    return uint32_t(std::min(number, double(kUnbounded - 1)));
  }

  Id compile_string(const Json& schema, const std::string& pointer) {
    Node node;
    node.kind = Node::Kind::kString;
    MAIE_ASSIGN(node.least, count(schema, "minLength", 0, pointer));
    MAIE_ASSIGN(node.most, count(schema, "maxLength", kUnbounded, pointer));
    node.dfa = CodePointDfa::any();
    node.free = true;
    for (const char* word : {"pattern", "format"}) {
      if (!schema.contains(word)) continue;
      const std::string here = pointer + "/" + word;
      if (!schema[word].is_string()) return at_pointer(Code::kInvalidInput, here, "must be text");
      const std::string text = schema[word].get<std::string>();
      auto dfa = std::string(word) == "pattern" ? compile_regex(text) : format_dfa(text);
      if (!dfa) return at_pointer(dfa.error().code(), here, dfa.error().message());
      auto both = node.free ? std::move(dfa) : intersect(node.dfa, *dfa);
      if (!both) return at_pointer(both.error().code(), here, both.error().message());
      node.dfa = std::move(*both);
      node.free = false;
    }
    if (!node.free && (node.least > 0 || node.most != kUnbounded)) {
      auto dfa = with_length(node.dfa, node.least, node.most);
      if (!dfa) return at_pointer(dfa.error().code(), pointer, dfa.error().message());
      node.dfa = std::move(*dfa);
      node.least = 0;
      node.most = kUnbounded;
    }
    return add(std::move(node), pointer);
  }

  Id compile_number(const Json& schema, bool integer, const std::string& pointer) {
    NumberRules rules;
    rules.integer = integer;
    MAIE_TRY(bounds(schema, "minimum", "exclusiveMinimum", 1, rules.least, pointer));
    MAIE_TRY(bounds(schema, "maximum", "exclusiveMaximum", -1, rules.most, pointer));
    if (schema.contains("multipleOf")) {
      const double of = json_number(schema, "multipleOf", 0);
      if (!(of >= 1 && of <= 1000) || of != double(uint32_t(of))) {
        return at_pointer(Code::kUnsupported, pointer + "/multipleOf",
                          "only whole numbers from 1 to 1000 can be enforced; scale the value");
      }
      rules.integer = true;
      rules.multiple_of = uint32_t(of);
    }
    auto node = number_node(rules);
    if (!node) return at_pointer(node.error().code(), pointer, node.error().message());
    return add(std::move(*node), pointer);
  }

  // The tighter of an inclusive and an exclusive bound; `sign` 1: the larger is the tighter.
  Status bounds(const Json& schema, const char* inclusive, const char* exclusive, int sign,
                std::optional<NumberRules::Bound>& out, const std::string& pointer) {
    const Json* chosen = nullptr;
    for (const char* word : {inclusive, exclusive}) {
      if (!schema.contains(word)) continue;
      const Json& value = schema[word];
      if (!value.is_number()) {
        return at_pointer(Code::kInvalidInput, pointer + "/" + word, "must be a number");
      }
      const bool tighter = chosen == nullptr || (sign > 0 ? *chosen <= value : *chosen >= value);
      if (!tighter) continue;
      chosen = &value;
      out = NumberRules::Bound{plain_decimal(value), word == exclusive};
    }
    return {};
  }

  Id compile_array(const Json& schema, const std::string& pointer, int depth) {
    Node node;
    node.kind = Node::Kind::kArray;
    MAIE_ASSIGN(node.least, count(schema, "minItems", 0, pointer));
    MAIE_ASSIGN(node.most, count(schema, "maxItems", kUnbounded, pointer));
    if (schema.contains("prefixItems")) {
      if (!schema["prefixItems"].is_array())
        return at_pointer(Code::kInvalidInput, pointer + "/prefixItems", "must be a list");
      for (const auto& item : schema["prefixItems"]) {
        const auto here = pointer + "/prefixItems/" + std::to_string(node.parts.size());
        MAIE_ASSIGN(const uint32_t part, compile(item, here, depth + 1));
        node.parts.push_back(part);
      }
    }
    if (schema.contains("items")) {
      if (schema["items"].is_array()) {
        return at_pointer(Code::kUnsupported, pointer + "/items",
                          "a list of items is prefixItems since draft 2020-12; rename it");
      }
      MAIE_ASSIGN(node.rest, compile(schema["items"], pointer + "/items", depth + 1));
    } else if (node.parts.empty() || node.least > node.parts.size()) {
      MAIE_ASSIGN(node.rest, any());
    }
    if (node.least > node.most) return add_never(pointer);
    if (json_bool(schema, "uniqueItems", false) && node.most > 1)
      grammar_->checked_after_.push_back(pointer + "/uniqueItems");
    return add(std::move(node), pointer);
  }

  Id compile_object(const Json& schema, const std::string& pointer, int depth) {
    ObjectRules rules;
    const Json none = Json::object();
    const Json& members = schema.contains("properties") ? schema["properties"] : none;
    const Json required = schema.contains("required") ? schema["required"] : Json::array();
    if (!members.is_object() || !required.is_array())
      return at_pointer(Code::kInvalidInput, pointer, "bad \"properties\" or \"required\"");
    std::set<std::string> wanted;
    for (const auto& name : required) {
      if (!name.is_string())
        return at_pointer(Code::kInvalidInput, pointer + "/required", "must hold names");
      wanted.insert(name.get<std::string>());
    }
    std::vector<std::string> names;
    for (const auto& [name, member] : members.items()) {
      const auto here = pointer + "/properties" + pointer_step(name);
      MAIE_ASSIGN(const uint32_t node, compile(member, here, depth + 1));
      rules.members.push_back({name, node, wanted.erase(name) > 0});
      names.push_back(name);
    }
    // Further members: as written; where nothing is written, only if nothing else is listed.
    const bool written = schema.contains("additionalProperties");
    const Json rest = written ? schema["additionalProperties"] : Json(true);
    int64_t value = -1;
    if (rest != Json(false) && (written || members.empty() || !wanted.empty())) {
      MAIE_ASSIGN(value, compile(rest, pointer + "/additionalProperties", depth + 1));
    }
    for (const auto& name : required) {
      const std::string text = name.get<std::string>();
      if (wanted.erase(text) == 0) continue;
      if (value < 0) return add_never(pointer);
      rules.members.push_back({text, uint32_t(value), true});
      names.push_back(text);
    }
    if (value >= 0 && (written || members.empty())) {
      Node key;
      key.kind = Node::Kind::kString;
      key.dfa = all_but(names);
      key.free = names.empty();
      MAIE_ASSIGN(rules.extra_key, add(std::move(key), pointer));
      rules.extra_value = value;
    }
    auto node = object_node(rules, limits_.states / 4);
    if (!node) return at_pointer(node.error().code(), pointer, node.error().message());
    return add(std::move(*node), pointer);
  }

  Id add_never(const std::string& pointer) {
    Node node;
    node.kind = Node::Kind::kUnion;
    return add(std::move(node), pointer);
  }

  // Any JSON value, made once.
  Id any() {
    if (any_ >= 0) return uint32_t(any_);
    Node place;
    place.kind = Node::Kind::kUnion;
    MAIE_ASSIGN(any_, add(std::move(place), ""));
    const Json every = {{"type", {"null", "boolean", "number", "string"}}};
    std::vector<uint32_t> parts;
    for (const char* type : {"null", "boolean", "number", "string"}) {
      MAIE_ASSIGN(const uint32_t part, compile_type(every, type, "", 0));
      parts.push_back(part);
    }
    Node list;
    list.kind = Node::Kind::kArray;
    list.rest = any_;
    MAIE_ASSIGN(const uint32_t list_id, add(std::move(list), ""));
    MAIE_ASSIGN(const uint32_t object_id, compile_object({{"additionalProperties", true}}, "", 0));
    parts.push_back(list_id);
    parts.push_back(object_id);
    nodes()[size_t(any_)].parts = std::move(parts);
    return uint32_t(any_);
  }

  // A schema that is nothing but itself would be read for ever.
  Status refuse_circles() {
    std::vector<uint8_t> colour(nodes().size());
    for (uint32_t start = 0; start < nodes().size(); ++start) {
      std::vector<std::pair<uint32_t, size_t>> path;
      if (colour[start] == 0) path.push_back({start, 0});
      while (!path.empty()) {
        auto& [id, next] = path.back();
        const Node& node = nodes()[id];
        colour[id] = 1;
        if (node.kind != Node::Kind::kUnion || next == node.parts.size()) {
          colour[id] = 2;
          path.pop_back();
          continue;
        }
        const uint32_t part = node.parts[next++];
        if (colour[part] == 1) {
          return at_pointer(Code::kInvalidInput, "",
                            "a $ref leads back to itself with no object or list between");
        }
        if (colour[part] == 0) path.push_back({part, 0});
      }
    }
    return {};
  }

  const Json& root_;
  const GrammarLimits limits_;
  std::shared_ptr<Grammar> grammar_;
  std::map<std::string, uint32_t> refs_;
  int64_t any_ = -1;
  size_t states_ = 0;
  size_t merges_ = 0;
};

Result<std::shared_ptr<const Grammar>> Grammar::compile(std::string_view schema_json,
                                                        const GrammarLimits& limits) {
  if (schema_json.size() > limits.schema_bytes) {
    return resource_exhausted("the schema is larger than " + std::to_string(limits.schema_bytes) +
                              " bytes; make it smaller");
  }
  const JsonLimits json{.depth = 64, .values = 100'000, .members = 2'000, .unique_keys = true};
  auto schema = parse_json(schema_json, json);
  if (!schema) return invalid_input("the schema is " + schema.error().message());
  return SchemaCompiler(*schema, limits).run();
}

}  // namespace maie::grammar
