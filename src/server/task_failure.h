#pragma once

#include "queue/task.h"
#include "server/errors.h"

namespace maie::server {

/// What a task that ended without a result is to the client who waits for it: its own code, and
/// the status and code of the OpenAI routes.
ApiError api_error_of(const queue::Task& task);

/// The same where the task is not there any more.
ApiError task_is_gone();

}  // namespace maie::server
