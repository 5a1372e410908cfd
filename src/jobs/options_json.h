#pragma once

#include "base/json.h"
#include "llm/language_model.h"
#include "pipeline/transcribe.h"

namespace maie::jobs {

/// How a recording is transcribed, and what is asked of a language model, as parts of a payload.
/// What a payload does not say has its default.
Json to_json(const pipeline::TranscribeOptions& options);
pipeline::TranscribeOptions transcribe_options_of(const Json& json);

Json to_json(const llm::Request& request);
llm::Request request_of(const Json& json);

}  // namespace maie::jobs
