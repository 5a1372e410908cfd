#pragma once

#include <memory>
#include <string>

#include "server/open_requests.h"
#include "server/speech_request.h"

namespace maie::server {

/// What one client of /v1/audio/* gets from the task that works on its recording: the transcript in
/// its form, or a stream of the text as it becomes final (docs/spec/interfaces.md, 3).
std::unique_ptr<TaskAnswer> speech_reply(const SpeechRequest& request, http::ReplyPtr reply,
                                         const std::string& request_id, double keep_alive_s);

}  // namespace maie::server
