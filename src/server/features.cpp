#include "server/features.h"

#include "text/utf8.h"

namespace maie::server {
namespace {

constexpr int kMostNested = 8;

Status add(std::string_view name, jobs::Features& features, bool& any) {
  any = true;
  if (name == "raw_transcript") {
    features.raw_transcript = true;
  } else if (name == "clean_transcript") {
    features.clean_transcript = true;
  } else if (name == "summary") {
    features.summary = true;
  } else if (name == "enhancement_metrics") {
    features.enhancement_metrics = true;
  } else {
    return invalid_input("Invalid feature '" + std::string(name.substr(0, 100)) +
                         "': features are raw_transcript, clean_transcript, summary and "
                         "enhancement_metrics");
  }
  return {};
}

// ```json ... ``` around a value.
std::string_view without_fence(std::string_view text) {
  if (!text.starts_with("```") || !text.ends_with("```") || text.size() < 6) return text;
  text = text.substr(3, text.size() - 6);
  const size_t line = text.find('\n');
  const std::string_view language = text.substr(0, line);
  if (line != text.npos && language.find_first_of("[\",") == language.npos) {
    text = text.substr(line + 1);
  }
  return text::strip(text);
}

Status add_all(const Json& value, jobs::Features& features, bool& any, int depth);

Status add_text(std::string_view text, jobs::Features& features, bool& any, int depth) {
  text = without_fence(text::strip(text));
  if (text.starts_with('[')) {
    const Result<Json> list = parse_json(text);
    if (!list.has_value()) return invalid_input("Invalid 'features': no JSON array");
    return add_all(*list, features, any, depth + 1);
  }
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view name = text::strip(text.substr(0, comma));
    if (!name.empty()) MAIE_TRY(add(name, features, any));
    text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
  }
  return {};
}

Status add_all(const Json& value, jobs::Features& features, bool& any, int depth) {
  if (depth > kMostNested) return invalid_input("Invalid 'features': nested too deep");
  if (value.is_null()) return {};
  if (value.is_string()) {
    return add_text(value.get_ref<const std::string&>(), features, any, depth);
  }
  if (!value.is_array()) return invalid_input("Invalid 'features': a text or a list of texts");
  for (const Json& item : value) MAIE_TRY(add_all(item, features, any, depth + 1));
  return {};
}

jobs::Features usual(bool has_template) {
  jobs::Features features;
  features.clean_transcript = true;
  features.summary = has_template;
  return features;
}

}  // namespace

Result<jobs::Features> features_of(const std::vector<std::string_view>& values, bool has_template) {
  jobs::Features features;
  bool any = false;
  for (const std::string_view value : values) MAIE_TRY(add_text(value, features, any, 0));
  return any ? features : usual(has_template);
}

Result<jobs::Features> features_of(const Json& value, bool has_template) {
  jobs::Features features;
  bool any = false;
  MAIE_TRY(add_all(value, features, any, 0));
  return any ? features : usual(has_template);
}

}  // namespace maie::server
