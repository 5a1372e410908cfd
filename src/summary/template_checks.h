#pragma once

#include <string>

#include "base/json.h"
#include "base/status.h"
#include "prompt/template.h"

namespace maie::summary {

/// Variables of a prompt: `schema` as text, `transcript` and `input_text` the text to work on.
Json prompt_variables(const std::string& schema_text, const std::string& transcript);

/// How prompts are parsed: not escaped, and with bounds that a prompt written in good faith does
/// not come near.
prompt::TemplateOptions prompt_options();

/// Which variables a prompt prints, found by rendering it with marks in their place.
struct Printed {
  bool schema = false;
  bool transcript = false;
};
Result<Printed> printed_variables(const prompt::Template& prompt);

/// Parses a prompt and renders it with a short transcript, so that what loops without end, prints
/// without end or looks outside of its root is refused before it is stored.
Status check_prompt(const std::string& source, const Json& schema, const prompt::Loader& loader);

}  // namespace maie::summary
