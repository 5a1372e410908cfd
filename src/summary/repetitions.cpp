#include "summary/repetitions.h"

#include <algorithm>
#include <set>
#include <vector>

#include "summary/answer.h"
#include "summary/schema_places.h"
#include "summary/schema_rules.h"
#include "text/fold.h"

namespace maie::summary {
namespace {

class Dropper {
 public:
  explicit Dropper(const Json& root) : root_(root) {}

  void visit(const Json& schema, Json& value) {
    const Json& rule = schema_for(root_, schema, value);
    if (value.is_object()) {
      for (auto& [name, member] : value.items()) visit(member_schema(root_, rule, name), member);
    } else if (value.is_array()) {
      const Json& items = item_schema(root_, rule);
      for (Json& item : value) visit(items, item);
      shorten(size_t(std::max<int64_t>(json_int(rule, "minItems", 0), 0)), items, value);
    }
  }
  size_t dropped() const { return dropped_; }

 private:
  // Whether a text in it is the writer's own.
  bool is_free(const Json& schema, const Json& value) const {
    const Json& rule = schema_for(root_, schema, value);
    if (value.is_string()) {
      return has_type(rule, "string") && !rule.contains("enum") && !rule.contains("const");
    }
    if (value.is_array()) {
      const Json& items = item_schema(root_, rule);
      return std::any_of(value.begin(), value.end(),
                         [&](const Json& item) { return is_free(items, item); });
    }
    if (!value.is_object()) return false;
    for (const auto& [name, member] : value.items()) {
      if (is_free(member_schema(root_, rule, name), member)) return true;
    }
    return false;
  }

  void shorten(size_t least, const Json& items, Json& list) {
    Json kept = Json::array();
    std::set<std::string> seen;
    size_t spare = list.size() - std::min(list.size(), least);
    for (Json& item : list) {
      const bool may_go = (item.is_string() || item.is_object()) && is_free(items, item);
      if (spare > 0 && may_go && !seen.insert(key_of(item)).second) {
        --spare;
        ++dropped_;
      } else {
        kept.push_back(std::move(item));
      }
    }
    list = std::move(kept);
  }

  const Json& root_;
  size_t dropped_ = 0;
};

}  // namespace

std::string key_of(const Json& value) {
  if (value.is_string()) return to_line(text::fold(value.get_ref<const std::string&>()));
  if (!value.is_structured()) return to_line(value);
  std::vector<std::string> members;
  for (const auto& [name, member] : value.items()) {
    members.push_back((value.is_object() ? to_line(name) + ":" : "") + key_of(member));
  }
  if (value.is_object()) std::sort(members.begin(), members.end());
  std::string out = value.is_object() ? "{" : "[";
  for (const std::string& member : members) out += member + ",";
  return out + (value.is_object() ? "}" : "]");
}

size_t drop_repeated_items(const Json& schema, Json& document) {
  Json shorter = document;
  Dropper dropper(schema);
  dropper.visit(schema, shorter);
  // What a keyword that is not looked at here says (contains, say) is not broken either.
  if (dropper.dropped() == 0 || !check_schema(schema, shorter).ok()) return 0;
  document = std::move(shorter);
  return dropper.dropped();
}

}  // namespace maie::summary
