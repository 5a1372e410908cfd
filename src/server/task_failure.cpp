#include "server/task_failure.h"

#include <string_view>

namespace maie::server {
namespace {

// How codes of failed tasks (docs/spec/service.md, 2.5; worker/failure.cpp) look on the OpenAI
// routes.
struct Row {
  std::string_view code;
  int status;
  const char* openai_code;
  const char* param;
  int retry_after_s;
};
constexpr Row kRows[] = {
    {"AUDIO_VALIDATION_ERROR", 400, "audio_unreadable", "file", 0},
    {"AUDIO_PREPROCESSING_ERROR", 400, "audio_unreadable", "file", 0},
    {"VALIDATION_ERROR", 400, "invalid_value", "", 0},
    {"MODEL_MEMORY_ERROR", 503, "insufficient_memory", "", 30},
    {"NETWORK_ERROR", 503, "overloaded", "", 5},
};

bool says(const queue::Task& task, std::string_view words) {
  return task.error.message.find(words) != std::string::npos;
}

// What the engine's own sentences (src/llm, src/pipeline) are about, where the code is too coarse.
void be_exact(const queue::Task& task, ApiError& error) {
  if (says(task, "exceeds model context")) {
    error.status = 400;
    error.openai_code = "context_length_exceeded";
    error.param = "messages";
  } else if (says(task, "cannot translate")) {
    error.status = 400;
    error.openai_code = "unsupported_value";
    error.param = "model";
    error.message = "this model cannot translate; ask for a transcription, or for another model";
  }
}

}  // namespace

ApiError task_is_gone() {
  return {.status = 409,
          .code = "STATE_CONFLICT",
          .message = "the request was stopped by somebody else before it was answered",
          .should_retry = false};
}

ApiError api_error_of(const queue::Task& task) {
  if (task.state == queue::TaskState::kCancelled) return task_is_gone();
  ApiError error{.status = 500,
                 .code = task.error.code.empty() ? "PROCESSING_ERROR" : task.error.code,
                 .message = task.error.message.empty() ? "The request failed" : task.error.message,
                 .openai_code = "internal"};
  for (const Row& row : kRows) {
    if (row.code != task.error.code) continue;
    error.status = row.status;
    error.openai_code = row.openai_code;
    error.param = row.param;
    error.retry_after_s = row.retry_after_s;
  }
  be_exact(task, error);
  if (error.status >= 500) error.should_retry = error.status == 503;
  return error;
}

}  // namespace maie::server
