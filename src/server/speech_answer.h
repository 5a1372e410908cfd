#pragma once

#include <string>

#include "base/json.h"
#include "jobs/stored_result.h"
#include "pipeline/transcribe.h"
#include "server/http/message.h"
#include "server/speech_request.h"

namespace maie::server {

/// The words of a transcript as the OpenAI routes give them: what the segments say, one behind the
/// other, without white space at the ends. Streams give the same text piece by piece.
std::string text_of(const pipeline::Transcript& transcript);

/// A transcript in the form a client asked for (docs/spec/interfaces.md, 2.2, 4 and 7).
/// @param result  of a task with a transcript
http::Response speech_answer(const jobs::StoredResult& result, const SpeechForm& form);

/// {"type": "duration", "seconds": whole seconds of the input}
Json duration_usage(const pipeline::Transcript& transcript);
/// {"type": "tokens", ...}: 50 audio tokens a second, which is what the encoder of Whisper hands to
/// its decoder; text tokens of a prompt are not counted.
Json token_usage(const pipeline::Transcript& transcript);
/// [{"code": "en"}]; empty when the language is not certain.
Json languages_of(const pipeline::Transcript& transcript);

}  // namespace maie::server
