#include "summary/messages.h"

#include "summary/schema_rules.h"
#include "summary/template_checks.h"

namespace maie::summary {
namespace {

constexpr char kUserLine[] = "Transcript to analyze:\n";
constexpr char kMergeLine[] = "Partial results to merge:\n";
// Of a template that has no prompt.jinja.
constexpr char kPlainPrompt[] =
    "You turn transcripts into structured data. Answer with one valid JSON object that keeps the "
    "schema below, in the language of the transcript. Everything you write must be in the "
    "transcript.";
constexpr char kMergeTask[] =
    "\n\n[PARTS]\nThe recording was too long to be read at once. Its parts were worked on one "
    "after "
    "the other; the user's message holds what was written for each, in order. Write the JSON "
    "object "
    "for the whole recording: every part counts, nothing is said twice, nothing is added.";

// The rendered prompt, with the schema in it or behind it.
Result<std::string> instructions(const SummaryTemplate& form, const std::string& schema,
                                 const std::string& transcript) {
  std::string out = kPlainPrompt;
  if (form.prompt) {
    MAIE_ASSIGN(out, form.prompt->render(prompt_variables(schema, transcript)));
  }
  if (!form.prints_schema) out += "\n\nJSON Schema:\n" + schema;
  return out;
}

}  // namespace

const std::string* trained_prompt(const llm::LanguageModelInfo& info,
                                  std::string_view template_id) {
  for (const auto& [id, prompt] : info.prompts) {
    if (id == template_id) return &prompt;
  }
  return nullptr;
}

Result<Prompt> summary_prompt(const SummaryTemplate& form, const llm::LanguageModelInfo& info,
                              const std::string& transcript) {
  if (const std::string* trained = trained_prompt(info, form.id)) {
    return Prompt{*trained, kUserLine + transcript};
  }
  MAIE_ASSIGN(std::string system, instructions(form, form.schema_pretty, transcript));
  if (form.prints_transcript) return Prompt{std::move(system), "Write the JSON object.", false};
  return Prompt{std::move(system), kUserLine + transcript};
}

Result<Prompt> merge_prompt(const SummaryTemplate& form, const Json& schema,
                            const std::string& partial) {
  MAIE_ASSIGN(std::string system,
              instructions(form, to_indented(schema), form.prints_transcript ? partial : ""));
  return Prompt{system + kMergeTask, kMergeLine + partial};
}

int64_t context_of(const llm::LanguageModelInfo& info) {
  return info.context > 0 ? info.context : 32768;
}

}  // namespace maie::summary
