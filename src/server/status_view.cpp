#include "server/status_view.h"

#include <charconv>
#include <chrono>
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

// Takes digits and marks off the front of a text.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : rest_(text) {}

  bool is_over() const { return rest_.empty(); }
  bool mark(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_[0]) == any_of.npos) return false;
    last_ = rest_[0];
    rest_.remove_prefix(1);
    return true;
  }
  char last_mark() const { return last_; }
  /// Exactly `digits` of them, at most `most`.
  bool number(size_t digits, int most, int& value) {
    if (rest_.size() < digits) return false;
    const char* const end = rest_.data() + digits;
    if (rest_[0] == '-' || std::from_chars(rest_.data(), end, value).ptr != end || value > most) {
      return false;
    }
    rest_.remove_prefix(digits);
    return true;
  }
  /// Digits behind a point as milliseconds.
  bool fraction(int& ms) {
    int scale = 100;
    const size_t before = rest_.size();
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; rest_.remove_prefix(1)) {
      ms += (rest_[0] - '0') * scale;
      scale /= 10;
    }
    return rest_.size() < before;
  }

 private:
  std::string_view rest_;
  char last_ = 0;
};

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

std::optional<queue::WallMs> time_from(std::string_view text) {
  TimeReader in(text);
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0;
  if (!in.number(4, 9999, year) || !in.mark("-") || !in.number(2, 12, month) || !in.mark("-") ||
      !in.number(2, 31, day)) {
    return std::nullopt;
  }
  using namespace std::chrono;
  const year_month_day date = std::chrono::year(year) / month / day;
  if (!date.ok()) return std::nullopt;
  const int64_t midnight = duration_cast<milliseconds>(sys_days(date).time_since_epoch()).count();
  if (in.is_over()) return midnight;
  if (!in.mark("Tt ") || !in.number(2, 23, hour) || !in.mark(":") || !in.number(2, 59, minute) ||
      !in.mark(":") || !in.number(2, 60, second) || (in.mark(".") && !in.fraction(ms)) ||
      !in.mark("Zz+-")) {
    return std::nullopt;
  }
  int64_t offset_minutes = 0;
  if (const char sign = in.last_mark(); sign == '+' || sign == '-') {
    int hours = 0, minutes = 0;
    if (!in.number(2, 23, hours) || !in.mark(":") || !in.number(2, 59, minutes)) {
      return std::nullopt;
    }
    offset_minutes = (sign == '+' ? 1 : -1) * (hours * 60 + minutes);
  }
  if (!in.is_over()) return std::nullopt;
  return midnight + ((hour * 60 + minute - offset_minutes) * 60 + second) * 1000 + ms;
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
  view["owner"] = task.owner;
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
