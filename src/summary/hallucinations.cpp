#include "summary/hallucinations.h"

#include "text/fold.h"

namespace maie::summary {

Status HallucinationList::add(std::string_view json, const std::string& where) {
  auto parsed = parse_json(json);
  if (!parsed) return parsed.error().within(where);
  if (!parsed->is_object()) {
    return invalid_input(where + ": expected an object {\"exact\": [phrases]}");
  }
  const auto exact = parsed->find("exact");
  if (exact == parsed->end()) return {};
  if (!exact->is_array()) return invalid_input(where + ": \"exact\" is no list of phrases");
  for (const Json& phrase : *exact) {
    if (!phrase.is_string()) return invalid_input(where + ": \"exact\" holds something but texts");
    std::string folded = text::fold(phrase.get_ref<const std::string&>());
    if (!folded.empty()) phrases_.insert(std::move(folded));
  }
  return {};
}

bool HallucinationList::contains(std::string_view text) const {
  return !phrases_.empty() && phrases_.contains(text::fold(text));
}

std::string HallucinationList::filter(std::string text) const {
  return contains(text) ? std::string() : std::move(text);
}

bool HallucinationList::sanitise(Json& summary) const {
  if (!summary.is_object()) return false;
  const auto is_known = [&](const Json& value) {
    return value.is_string() && contains(value.get_ref<const std::string&>());
  };
  bool changed = false;
  for (auto& [name, value] : summary.items()) {
    if (is_known(value)) {
      value = nullptr;
      changed = true;
    } else if (value.is_array()) {
      Json kept = Json::array();
      for (const Json& item : value) {
        if (!is_known(item)) kept.push_back(item);
      }
      changed = changed || kept.size() != value.size();
      value = std::move(kept);
    }
  }
  return changed;
}

}  // namespace maie::summary
