#include "summary/template_checks.h"

#include "summary/schema_rules.h"

namespace maie::summary {

Json prompt_variables(const std::string& schema_text, const std::string& transcript) {
  return {{"schema", schema_text}, {"transcript", transcript}, {"input_text", transcript}};
}

prompt::TemplateOptions prompt_options() {
  prompt::TemplateOptions options;
  options.limits.steps = 2'000'000;
  return options;
}

Result<Printed> printed_variables(const prompt::Template& prompt) {
  // Marks that no template has by chance.
  const std::string schema = "{maie-mark-of-schema-5b1f}", text = "maie-mark-of-transcript-5b1f";
  MAIE_ASSIGN(const std::string out, prompt.render(prompt_variables(schema, text)));
  return Printed{out.find(schema) != std::string::npos, out.find(text) != std::string::npos};
}

Status check_prompt(const std::string& source, const Json& schema, const prompt::Loader& loader) {
  const auto parsed = prompt::Template::parse("prompt_template", source, prompt_options(), loader);
  if (!parsed) return parsed.error();
  const auto text = parsed->render(prompt_variables(to_indented(schema), "S0: Hello."));
  if (!text) return text.error();
  constexpr size_t kMostText = 1 << 20;
  if (text->size() > kMostText + to_indented(schema).size()) {
    return resource_exhausted("prompt_template: prints " + std::to_string(text->size()) +
                              " bytes for a transcript of one line; a prompt may have a million");
  }
  return {};
}

}  // namespace maie::summary
