#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "llm/language_model.h"

namespace maie::summary {

/// The system message a model was trained with for a template (LanguageModelInfo::prompts), or
/// nullptr.
const std::string* trained_prompt(const llm::LanguageModelInfo& info, std::string_view template_id);

/// Tokens the model holds; where it does not say, what the specification assumes: 32768.
int64_t context_of(const llm::LanguageModelInfo& info);

}  // namespace maie::summary
