#pragma once

#include <string>
#include <variant>
#include <vector>

#include "config/settings.h"
#include "jobs/job.h"
#include "server/errors.h"
#include "server/http/message.h"

namespace maie::server {

enum class SpeechFormat { kJson, kText, kSrt, kVerboseJson, kVtt };

/// What a client of /v1/audio/* wants to see of a transcript.
struct SpeechForm {
  SpeechFormat format = SpeechFormat::kJson;
  bool translate = false;
  bool segments = true;                    ///< of verbose_json
  bool words = false;                      ///< of verbose_json
  std::vector<std::string> warnings = {};  ///< about parameters that were not used
};

/// A form of /v1/audio/transcriptions or /v1/audio/translations, understood.
struct SpeechRequest {
  jobs::SpeechJob job;  ///< complete but for `audio` and the resolved `model`
  SpeechForm form;
  bool stream = false;
};

/// Checks every field (docs/spec/interfaces.md, 2.1 and 4), but not whether there is such a model.
/// @param settings  what holds where the form says nothing
std::variant<SpeechRequest, ApiError> speech_request_of(const http::Form& form, bool translate,
                                                        const config::Settings& settings);

/// The identity of a request: the same upload with the same parameters has the same digest.
/// @param audio_sha256  of the uploaded bytes
std::string digest_of(const SpeechRequest& request, const std::string& audio_sha256);

}  // namespace maie::server
