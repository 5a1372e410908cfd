#include "summary/merge.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "summary/pieces.h"
#include "summary/schema_places.h"
#include "text/edit_distance.h"
#include "text/fold.h"
#include "text/utf8.h"

namespace maie::summary {
namespace {

// From this maxLength on a text is prose, shorter ones are names.
constexpr int64_t kLongText = 500;

std::set<std::string> different(const Givens& texts) {
  std::set<std::string> out;
  for (const Given& given : texts) {
    if (given.value->is_string())
      out.insert(text::fold(given.value->get_ref<const std::string&>()));
  }
  return out;
}

Json by_majority(const Json& schema, const Givens& values) {
  std::vector<std::pair<Json, int>> counts;
  for (const Given& given : values) {
    const auto at = std::find_if(counts.begin(), counts.end(),
                                 [&](const auto& count) { return count.first == *given.value; });
    if (at == counts.end()) {
      counts.emplace_back(*given.value, 1);
    } else {
      ++at->second;
    }
  }
  std::stable_sort(counts.begin(), counts.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  const bool tie = counts.size() > 1 && counts[0].second == counts[1].second;
  const Json& choices = schema.at("enum");
  if (tie && std::find(choices.begin(), choices.end(), Json("mixed")) != choices.end()) {
    return "mixed";
  }
  return counts[0].first;
}

// The first sentences of a text within `most` code points; cut at a word where the first is longer.
std::string beginning(const std::string& text, int64_t most) {
  const std::u32string all = text::decode_utf8(text);
  if (int64_t(all.size()) <= most) return text;
  const std::string front = text::encode_utf8(std::u32string_view(all).substr(0, size_t(most)));
  size_t end = 0;
  for (const Span span : sentences(text, text.size())) {
    if (span.end <= front.size()) end = span.end;
  }
  if (end == 0) end = front.rfind(' ');
  return front.substr(0, end == std::string::npos || end == 0 ? front.size() : end);
}

// The sentences of a text that were not seen before.
std::string unseen_sentences(const std::string& text, std::set<std::string>& seen) {
  std::string out;
  for (const Span span : sentences(text, text.size())) {
    const std::string sentence = text.substr(span.start, span.end - span.start);
    if (seen.insert(text::fold(sentence)).second) out += (out.empty() ? "" : " ") + sentence;
  }
  return out;
}

// Every part's text, each with its share of the length.
Json shared_text(int64_t most, const Givens& texts) {
  std::vector<std::string> own;
  std::set<std::string> seen;
  for (const Given& given : texts) {
    std::string text = unseen_sentences(given.value->get_ref<const std::string&>(), seen);
    if (!text.empty()) own.push_back(std::move(text));
  }
  std::string out;
  int64_t left = most;
  for (size_t i = 0; i < own.size(); ++i) {
    const int64_t share = (left - int64_t(own.size() - i)) / int64_t(own.size() - i);
    const std::string text = beginning(own[i], std::max<int64_t>(share, 0));
    if (text.empty()) continue;
    out += (out.empty() ? "" : " ") + text;
    left = most - text::count_code_points(out);
  }
  return out;
}

Json merged_number(const Givens& values) {
  double sum = 0;
  bool whole = true;
  for (const Given& given : values) {
    sum += given.value->get<double>();
    whole = whole && given.value->is_number_integer();
  }
  const double mean = sum / double(values.size());
  if (whole) return int64_t(mean);
  return mean;
}

class Merger {
 public:
  explicit Merger(const Json& root) : root_(root) {}
  Json merge(const Json& schema, Givens values, const std::string& pointer);
  std::vector<Origin> origins;

 private:
  Json merge_objects(const Json& schema, const Givens& values, const std::string& pointer);
  Json merge_lists(const Json& schema, const Givens& values, const std::string& pointer);
  const Json& root_;
};

bool all_are(const Givens& values, bool (*is)(const Json&)) {
  return std::all_of(values.begin(), values.end(), [&](const Given& g) { return is(*g.value); });
}

Json Merger::merge(const Json& schema, Givens values, const std::string& pointer) {
  std::erase_if(values, [](const Given& given) { return given.value->is_null(); });
  if (values.empty()) return nullptr;
  if (all_are(values, [](const Json& v) { return v.is_object(); })) {
    return merge_objects(schema, values, pointer);
  }
  if (all_are(values, [](const Json& v) { return v.is_array(); })) {
    return merge_lists(schema, values, pointer);
  }
  if (schema.is_object() && schema.contains("enum")) return by_majority(schema, values);
  if (all_are(values, [](const Json& v) { return v.is_number(); })) return merged_number(values);
  if (all_are(values, [](const Json& v) { return v.is_string(); })) {
    const int64_t most = schema.is_object() ? json_int(schema, "maxLength", kLongText) : kLongText;
    const bool prose = most >= kLongText && !schema.contains("pattern") &&
                       !schema.contains("format") && !schema.contains("const");
    if (prose && different(values).size() > 1) {
      return shared_text(schema.contains("maxLength") ? most : 20'000, values);
    }
  }
  return *values[0].value;
}

Json Merger::merge_objects(const Json& schema, const Givens& values, const std::string& pointer) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  if (schema.is_object() && schema.contains("properties")) {
    for (const auto& [name, member] : schema.at("properties").items()) add(name);
  }
  for (const Given& given : values) {
    for (const auto& [name, member] : given.value->items()) add(name);
  }
  Json out = Json::object();
  for (const std::string& name : names) {
    Givens members;
    for (const Given& given : values) {
      const auto member = given.value->find(name);
      if (member != given.value->end()) members.push_back({given.part, &*member});
    }
    if (members.empty()) continue;
    out[name] = merge(member_schema(root_, schema, name), std::move(members),
                      (Json::json_pointer(pointer) / name).to_string());
  }
  return out;
}

Json Merger::merge_lists(const Json& schema, const Givens& values, const std::string& pointer) {
  const int64_t most = schema.is_object() ? json_int(schema, "maxItems", INT64_MAX) : INT64_MAX;
  ListRule rule;
  if (schema.is_object()) {
    rule.least = size_t(std::max<int64_t>(json_int(schema, "minItems", 0), 0));
    rule.unique = json_bool(schema, "uniqueItems", false);
  }
  Json out = Json::array();
  for (ListItem& item :
       fair_share(without_repetitions(values, rule), size_t(std::max<int64_t>(most, 0)))) {
    origins.push_back(
        {pointer + "/" + std::to_string(out.size()), {item.parts.begin(), item.parts.end()}});
    out.push_back(std::move(item.value));
  }
  return out;
}

bool is_text(const Json& schema) {
  return schema.contains("type") ? has_type(schema, "string") : schema.contains("enum");
}

Json differing(const Json& root, const Json& schema, const Givens& values) {
  Json properties = Json::object(), required = Json::array();
  if (!schema.is_object() || !schema.contains("properties")) return nullptr;
  for (const auto& [name, unresolved] : schema.at("properties").items()) {
    const Json& member = resolved(root, unresolved);
    Givens members;
    for (const Given& given : values) {
      if (!given.value->is_object()) continue;
      const auto at = given.value->find(name);
      if (at != given.value->end() && !at->is_null()) members.push_back({given.part, &*at});
    }
    if (!member.is_object()) continue;
    Json wanted;
    if (is_text(member)) {
      if (different(members).size() > 1) wanted = member;
    } else {
      wanted = differing(root, member, members);
    }
    if (wanted.is_null()) continue;
    properties[name] = std::move(wanted);
    required.push_back(name);
  }
  if (properties.empty()) return nullptr;
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

Givens given_by(const std::vector<Json>& parts) {
  Givens out;
  for (size_t i = 0; i < parts.size(); ++i) out.push_back({i, &parts[i]});
  return out;
}

}  // namespace

Merged merge_by_rule(const Json& schema, const std::vector<Json>& parts) {
  Merger merger(schema);
  Json value = merger.merge(resolved(schema, schema), given_by(parts), "");
  return {std::move(value), std::move(merger.origins)};
}

std::vector<Origin> list_items(const Json& summary) {
  std::vector<Origin> out;
  const std::function<void(const Json&, const std::string&)> visit =
      [&](const Json& value, const std::string& pointer) {
        if (value.is_array()) {
          for (size_t i = 0; i < value.size(); ++i) {
            out.push_back({pointer + "/" + std::to_string(i), {0}});
          }
        } else if (value.is_object()) {
          for (const auto& [name, member] : value.items()) {
            visit(member, (Json::json_pointer(pointer) / name).to_string());
          }
        }
      };
  visit(summary, "");
  return out;
}

Json differing_texts(const Json& schema, const std::vector<Json>& parts) {
  return differing(schema, resolved(schema, schema), given_by(parts));
}

Json only_members(const Json& value, const Json& schema) {
  Json out = Json::object();
  for (const auto& [name, member] : schema.at("properties").items()) {
    if (!value.is_object() || !value.contains(name)) continue;
    out[name] =
        member.contains("properties") ? only_members(value.at(name), member) : value.at(name);
  }
  return out;
}

void overlay(Json& value, const Json& update) {
  for (const auto& [name, member] : update.items()) {
    if (member.is_object() && value.contains(name) && value[name].is_object()) {
      overlay(value[name], member);
    } else {
      value[name] = member;
    }
  }
}

}  // namespace maie::summary
