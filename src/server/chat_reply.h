#pragma once

#include <memory>
#include <string>

#include "server/chat_answer.h"
#include "server/chat_request.h"
#include "server/open_requests.h"

namespace maie::server {

/// What one client of /v1/chat/completions gets from the task that works on its request: one
/// object, or a stream of them.
std::unique_ptr<TaskAnswer> chat_reply(const ChatRequest& request, ChatIdentity identity,
                                       http::ReplyPtr reply, const std::string& request_id,
                                       double keep_alive_s);

}  // namespace maie::server
