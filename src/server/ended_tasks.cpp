#include "server/ended_tasks.h"

namespace maie::server {
namespace {

constexpr size_t kRemembered = 8192;

}  // namespace

std::optional<jobs::StoredResult> result_of(queue::TaskQueue& queue, const queue::Task& task) {
  if (task.state != queue::TaskState::kSucceeded) return std::nullopt;
  const Result<std::optional<std::string>> bytes = queue.result(task.id);
  if (!bytes.has_value() || !*bytes) return std::nullopt;
  Result<jobs::StoredResult> result = jobs::result_from_bytes(**bytes);
  return result.has_value() ? std::optional(std::move(*result)) : std::nullopt;
}

bool EndedTasks::first_time(const queue::Task& task) {
  const std::string end = task.id + "/" + std::to_string(task.finished.value_or(0));
  const std::scoped_lock lock(mutex_);
  if (!ends_.insert(end).second) return false;
  order_.push_back(end);
  if (order_.size() > kRemembered) {
    ends_.erase(order_.front());
    order_.pop_front();
  }
  return true;
}

}  // namespace maie::server
