#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "llm/language_model.h"
#include "summary/template_store.h"

namespace maie::summary {

/// The system message a model was trained with for a template (LanguageModelInfo::prompts), or
/// nullptr.
const std::string* trained_prompt(const llm::LanguageModelInfo& info, std::string_view template_id);

/// The messages that ask for a document under a template.
struct Prompt {
  std::string system, user;
  bool system_recurs = true;  ///< the same for every transcript

  /// Both as they are counted for the budget.
  std::string whole() const { return system + "\n" + user; }
};

/// Asks to sum `transcript` up. A model that was trained with a prompt for the template gets that;
/// the schema is appended where the prompt does not print it, and the transcript is the user's
/// message where the prompt does not.
Result<Prompt> summary_prompt(const SummaryTemplate& form, const llm::LanguageModelInfo& info,
                              const std::string& transcript);

/// Asks to make one of the partial results of consecutive parts (`partial`, a text), under
/// `schema`, which holds some members of the template's.
Result<Prompt> merge_prompt(const SummaryTemplate& form, const Json& schema,
                            const std::string& partial);

/// Tokens the model holds; where it does not say, what the specification assumes: 32768.
int64_t context_of(const llm::LanguageModelInfo& info);

}  // namespace maie::summary
