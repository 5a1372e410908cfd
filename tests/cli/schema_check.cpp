#include "tests/cli/schema_check.h"

#include <algorithm>
#include <iterator>

namespace maie::cli {
namespace {

class Checker {
 public:
  explicit Checker(const Json& root) : root_(root) {}

  void check(const Json& schema, const Json& value, const std::string& at) {
    for (auto it = schema.begin(); it != schema.end(); ++it)
      keyword(it.key(), it.value(), schema, value, at);
  }
  std::vector<std::string> faults;

 private:
  void keyword(const std::string& name, const Json& rule, const Json& schema, const Json& value,
               const std::string& at) {
    static const char* const kSilent[] = {"$schema", "$id", "$defs", "title", "description"};
    if (name == "$ref") {
      const std::string target = rule.get<std::string>().substr(std::string("#/$defs/").size());
      check(root_.at("$defs").at(target), value, at);
    } else if (name == "type") {
      fault_unless(fits_type(rule, value), at + " is not " + rule.dump());
    } else if (name == "enum") {
      fault_unless(std::find(rule.begin(), rule.end(), value) != rule.end(),
                   at + " is not one of " + rule.dump());
    } else if (name == "minimum") {
      fault_unless(!value.is_number() || value >= rule, at + " is too small");
    } else if (name == "maximum") {
      fault_unless(!value.is_number() || value <= rule, at + " is too large");
    } else if (name == "required") {
      for (const Json& key : rule) {
        fault_unless(!value.is_object() || value.contains(key.get<std::string>()),
                     at + " lacks " + key.dump());
      }
    } else if (name == "properties") {
      for (auto it = rule.begin(); value.is_object() && it != rule.end(); ++it) {
        if (value.contains(it.key())) check(it.value(), value[it.key()], at + "." + it.key());
      }
    } else if (name == "additionalProperties" && rule == Json(false)) {
      for (auto it = value.begin(); value.is_object() && it != value.end(); ++it) {
        fault_unless(schema.at("properties").contains(it.key()), at + " has " + it.key());
      }
    } else if (name == "items") {
      for (size_t i = 0; value.is_array() && i < value.size(); ++i)
        check(rule, value[i], at + "[" + std::to_string(i) + "]");
    } else if (std::find(std::begin(kSilent), std::end(kSilent), name) == std::end(kSilent)) {
      faults.push_back("the schema uses " + name + ", which is not checked");
    }
  }

  static bool fits_type(const Json& rule, const Json& value) {
    if (rule.is_array()) {
      return std::any_of(rule.begin(), rule.end(),
                         [&](const Json& one) { return fits_type(one, value); });
    }
    if (rule == "null") return value.is_null();
    if (rule == "boolean") return value.is_boolean();
    if (rule == "integer") return value.is_number_integer();
    if (rule == "number") return value.is_number();
    if (rule == "string") return value.is_string();
    if (rule == "array") return value.is_array();
    return rule == "object" && value.is_object();
  }

  void fault_unless(bool fine, const std::string& fault) {
    if (!fine) faults.push_back(fault);
  }

  const Json& root_;
};

}  // namespace

std::vector<std::string> schema_faults(const Json& schema, const Json& value) {
  Checker checker(schema);
  checker.check(schema, value, "document");
  return checker.faults;
}

}  // namespace maie::cli
