#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/json.h"

namespace maie::grammar {

/// A random schema beside documents that keep it, made from the same choices but never through the
/// code under test.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  Json schema(int depth) {
    switch (pick(depth > 0 ? 10 : 7)) {
      case 0: return {{"type", "boolean"}};
      case 1:
        return {{"type", pick(2) ? "integer" : "number"},
                {"minimum", int(pick(40)) - 30},
                {"maximum", int(pick(300)) + 10}};
      case 2: return {{"type", Json::array({"string", "null"})}, {"maxLength", pick(6)}};
      case 3: return {{"type", "string"}, {"minLength", pick(3)}, {"maxLength", 3 + pick(5)}};
      case 4: return {{"enum", Json::array({"cao", "trung bình", 3, nullptr, -1.5})}};
      case 5: return {{"type", "string"}, {"pattern", "^[a-c]{1,3}(-[0-9]+)?$"}};
      case 6: return {{"const", pick(2) ? Json("x\"y") : Json::array({1, "z"})}};
      case 7: {
        const unsigned least = pick(3);
        return {{"type", "array"},
                {"items", schema(depth - 1)},
                {"minItems", least},
                {"maxItems", least + pick(3)}};
      }
      case 8: {
        Json members = Json::object(), required = Json::array();
        for (unsigned i = 0, n = pick(4); i < n; ++i) {
          const std::string name = names_[pick(names_.size())];
          if (members.contains(name)) continue;
          members[name] = schema(depth - 1);
          if (pick(2)) required.push_back(name);
        }
        return {{"type", "object"},
                {"properties", members},
                {"required", required},
                {"additionalProperties", false}};
      }
      default: return {{"anyOf", Json::array({schema(depth - 1), schema(depth - 1)})}};
    }
  }

  Json document(const Json& s) {
    if (s.contains("anyOf")) return document(s["anyOf"][pick(2)]);
    if (s.contains("enum")) return s["enum"][pick(s["enum"].size())];
    if (s.contains("const")) return s["const"];
    if (s.contains("pattern")) {
      std::string text(1 + pick(3), char('a' + pick(3)));
      return pick(2) ? text : text + "-" + std::to_string(pick(5000));
    }
    if (s["type"].is_array() && pick(3) == 0) return nullptr;
    const std::string type = s["type"].is_array() ? "string" : s["type"].get<std::string>();
    if (type == "boolean") return pick(2) == 0;
    if (type == "integer" || type == "number") {
      const int low = s["minimum"], high = s["maximum"];
      const int whole = low + int(pick(unsigned(high - low + 1)));
      if (type == "number" && whole < high && pick(2)) return whole + int(pick(1000)) / 1000.0;
      return whole;
    }
    if (type == "string") {
      const unsigned least = unsigned(json_int(s, "minLength", 0));
      std::string text;
      for (unsigned n = least + pick(unsigned(json_int(s, "maxLength", 0)) - least + 1); n > 0; --n)
        text += letters_[pick(letters_.size())];
      return text;
    }
    if (type == "array") {
      Json out = Json::array();
      const unsigned least = s["minItems"], most = s["maxItems"];
      for (unsigned n = least + pick(most - least + 1); n > 0; --n)
        out.push_back(document(s["items"]));
      return out;
    }
    Json out = Json::object();
    for (const auto& [name, member] : s["properties"].items()) {
      const auto& required = s["required"];
      if (std::find(required.begin(), required.end(), name) == required.end() && pick(2)) continue;
      out[name] = document(member);
    }
    return out;
  }

  unsigned pick(size_t n) { return unsigned(random_() % n); }
  std::mt19937& random() { return random_; }

 private:
  std::mt19937 random_;
  const std::vector<std::string> names_{"a", "ab", "abc", "tiêu_đề", "x\"y", ""};
  const std::vector<std::string> letters_{"a", "\"", "\\", "\n", "ế", "😀", "\x01", "/", "\x7F"};
};

}  // namespace maie::grammar
