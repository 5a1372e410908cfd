#include "summary/answer.h"

#include "grammar/validate.h"
#include "text/utf8.h"

namespace maie::summary {

std::string_view without_fences(std::string_view answer) {
  answer = text::strip(answer);
  if (!answer.starts_with("```")) return answer;
  const size_t first_end = answer.find('\n');
  const size_t last_start = answer.rfind('\n');
  if (first_end == std::string_view::npos || last_start == first_end) return answer;
  if (text::strip(answer.substr(last_start + 1)) != "```") return answer;
  return text::strip(answer.substr(first_end + 1, last_start - first_end - 1));
}

Result<Json> parse_answer(std::string_view answer) {
  auto document = parse_json(without_fences(answer), {.unique_keys = true});
  if (!document) return invalid_input("JSON decode error: " + document.error().message());
  return document;
}

Status check_schema(const Json& schema, const Json& document) {
  MAIE_ASSIGN(const auto violations, grammar::validate(schema, document, 1));
  if (violations.empty()) return {};
  std::string path;
  for (const char c :
       std::string_view(violations[0].pointer).substr(violations[0].pointer.empty() ? 0 : 1)) {
    path += c == '/' ? " -> " : std::string(1, c);
  }
  return invalid_input("Schema validation failed: " + violations[0].what +
                       " (at path: " + (path.empty() ? "root" : path) + ")");
}

std::string enhanced_text(std::string_view answer) {
  const std::string_view plain = without_fences(answer);
  if (plain.starts_with('{')) {
    const auto document = parse_json(plain);
    if (document && document->is_object()) {
      const auto text = document->find("văn_bản_cải_thiện");
      if (text != document->end() && text->is_string()) {
        return std::string(text::strip(text->get_ref<const std::string&>()));
      }
    }
  }
  return std::string(plain);
}

}  // namespace maie::summary
