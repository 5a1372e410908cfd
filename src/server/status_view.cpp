#include "server/status_view.h"

#include <cmath>
#include <cstdio>

#include "base/log_line.h"
#include "jobs/job.h"

namespace maie::server {
namespace {

using queue::Task;
using queue::TaskState;

std::string_view running_status(const Task& task) {
  if (task.stage == jobs::kStageRecognise) return "PROCESSING_ASR";
  if (task.stage == jobs::kStageEnhance || task.stage == jobs::kStageSummarise) {
    return "PROCESSING_LLM";
  }
  // A text knows no other stage.
  return task.kind == "text" || task.kind == "chat" ? "PROCESSING_LLM" : "PREPROCESSING";
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

}  // namespace

std::string_view status_of(const Task& task) {
  switch (task.state) {
    case TaskState::kQueued: return "PENDING";
    case TaskState::kRunning: return running_status(task);
    case TaskState::kSucceeded: return "COMPLETE";
    case TaskState::kFailed: return "FAILED";
    case TaskState::kCancelled: return "CANCELLED";
  }
  return "PENDING";
}

std::vector<TaskState> states_of(std::string_view status) {
  if (status == "PENDING") return {TaskState::kQueued};
  if (status == "COMPLETE") return {TaskState::kSucceeded};
  if (status == "FAILED") return {TaskState::kFailed};
  if (status == "CANCELLED") return {TaskState::kCancelled};
  if (status == "PREPROCESSING" || status == "PROCESSING_ASR" || status == "PROCESSING_LLM" ||
      status == "RUNNING") {
    return {TaskState::kRunning};
  }
  return {};
}

Json time_of(std::optional<queue::WallMs> time) {
  if (!time) return nullptr;
  return rfc3339(std::chrono::system_clock::time_point(std::chrono::milliseconds(*time)));
}

Json task_head(const Task& task) {
  const bool failed = task.state == TaskState::kFailed;
  Json head = {{"task_id", task.id}, {"status", status_of(task)}};
  head["error"] = failed ? text_or_null(task.error.message) : Json();
  head["error_code"] = failed ? text_or_null(task.error.code) : Json();
  head["stage"] = failed ? text_or_null(task.error.stage) : text_or_null(task.stage);
  head["submitted_at"] = time_of(task.created);
  head["completed_at"] = time_of(task.finished);
  return head;
}

Json task_view(const Task& task, const std::optional<queue::LiveProgress>& progress) {
  Json view = task_head(task);
  view["kind"] = task.kind;
  view["lane"] = task.lane == queue::Lane::kBatch ? "batch" : "interactive";
  view["priority"] = task.priority;
  view["attempts"] = task.attempts;
  view["max_attempts"] = task.max_attempts;
  view["cancel_requested"] = task.cancel_requested;
  view["started_at"] = time_of(task.started);
  view["updated_at"] = time_of(task.updated);
  view["not_before"] = time_of(task.not_before);
  view["expires_at"] = time_of(task.expires);
  const bool again = task.state == TaskState::kQueued && !task.error.message.empty();
  view["last_error"] = again ? Json(task.error.message) : Json();
  view["progress"] = nullptr;
  if (progress && task.state == TaskState::kRunning) {
    view["progress"] = {
        {"stage", progress->stage},
        {"fraction", std::round(progress->fraction * 1e4) / 1e4},
        {"seconds_left",
         progress->seconds_left ? Json(std::round(*progress->seconds_left * 10) / 10) : Json()}};
  }
  return view;
}

Json status_view(const Task& task, const jobs::StoredResult& result, jobs::ResultKeys keys) {
  Json view = task_head(task);
  view.update(jobs::result_blocks(result, keys));
  return view;
}

std::optional<jobs::ResultKeys> result_keys_of(std::string_view word) {
  if (word == "en") return jobs::ResultKeys::kEnglish;
  if (word == "vi") return jobs::ResultKeys::kVietnamese;
  if (word == "both") return jobs::ResultKeys::kBoth;
  return std::nullopt;
}

}  // namespace maie::server
