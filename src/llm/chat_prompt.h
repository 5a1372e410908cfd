#pragma once

#include <cstdint>
#include <vector>

#include "llm/language_model.h"
#include "llm/model_files.h"

namespace maie::llm {

/// A conversation in tokens.
struct ChatPrompt {
  std::vector<int32_t> tokens;
  int64_t recurring_tokens = 0;  ///< so many first ones come from the recurring messages alone
  bool opens_thinking = false;   ///< it ends with <think>: the answer begins inside it
};

/// Renders the model's chat template and encodes it. What a message spells like a special token
/// (<|im_end|>) stays text, with a space put into it: no transcript can end its own message.
Result<ChatPrompt> make_chat_prompt(const ModelFiles& model, const Request& request);

}  // namespace maie::llm
