#pragma once

#include <optional>
#include <variant>

#include "config/settings.h"
#include "jobs/job.h"
#include "server/errors.h"
#include "server/http/message.h"

namespace maie::server {

/// The fields of POST /v1/process (docs/spec/service.md, 1.5), without the file. Whether a summary
/// has its template is asked by itself: it comes behind the checks of the file.
std::variant<jobs::AudioJob, ApiError> audio_job_of(const http::Form& form,
                                                    const config::Settings& settings);

/// 422 for a summary without template.
std::optional<ApiError> missing_template(const jobs::AudioJob& job);

/// The body of POST /v1/process_text (1.6).
std::variant<jobs::TextJob, ApiError> text_job_of(std::string_view body);

}  // namespace maie::server
