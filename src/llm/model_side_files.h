#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "llm/model_files.h"

namespace maie::llm {

/// generation_config.json (docs/spec/service.md 4.9): max_new_tokens or else max_length, and the
/// members of Sampling. What is absent, null or out of its range stays absent; a text that is no
/// JSON object gives no defaults at all, as the file only suggests.
GenerationDefaults read_generation_defaults(std::string_view json);

/// prompts.json: an object of system messages by template id. kCorrupt, naming `file`, otherwise.
Result<std::vector<std::pair<std::string, std::string>>> read_prompts(std::string_view json,
                                                                      const std::string& file);

/// `source`, or ChatML when it is empty and the vocabulary has its tokens. kNotFound, naming
/// `where`, when it has not.
Result<std::string> chat_source(std::string source, const text::BpeTokenizer& tokenizer,
                                const std::string& where);

/// Adds to `ends` the special tokens of the vocabulary that end a turn whatever the model.
void add_usual_end_tokens(const text::BpeTokenizer& tokenizer, std::vector<int32_t>& ends);

}  // namespace maie::llm
