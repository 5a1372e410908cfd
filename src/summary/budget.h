#pragma once

#include <cstdint>

#include "base/status.h"

namespace maie::summary {

enum class Task { kEnhancement, kSummary };

/// Tokens an answer may have (docs/spec/service.md, 4.9), in double arithmetic as there.
/// @param prompt  n: tokens of system message, newline and user message
/// @param context  L: tokens the model holds, prompt and answer together
int64_t answer_budget(Task task, int64_t prompt, int64_t context);

/// Tokens left for the answer once the chat format has its share: max(0, context - prompt - 128).
int64_t available_tokens(int64_t prompt, int64_t context);

/// What is asked of the model: answer_budget, for summaries at least min(512, available), at most
/// `cap` where that is above 0. kInvalidInput "Input exceeds model context" with the numbers when
/// less is left than the least answer (256 or 128 tokens).
Result<int64_t> tokens_to_ask(Task task, int64_t prompt, int64_t context, int64_t cap);

/// Whether a prompt leaves an answer the room it is likely to want: the whole of answer_budget for
/// an enhancement; 0.3 times the prompt, at least 512 tokens, for a summary, where no more than a
/// quarter of the context is asked for.
bool leaves_room(Task task, int64_t prompt, int64_t context);

}  // namespace maie::summary
