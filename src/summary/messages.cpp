#include "summary/messages.h"

namespace maie::summary {

const std::string* trained_prompt(const llm::LanguageModelInfo& info,
                                  std::string_view template_id) {
  for (const auto& [id, prompt] : info.prompts) {
    if (id == template_id) return &prompt;
  }
  return nullptr;
}

int64_t context_of(const llm::LanguageModelInfo& info) {
  return info.context > 0 ? info.context : 32768;
}

}  // namespace maie::summary
