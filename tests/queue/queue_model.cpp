#include "tests/queue/queue_model.h"

#include <algorithm>

namespace maie::queue {

void QueueModel::restart_machine(int64_t off_ms) {
  now_ += off_ms;
  for (ModelTask& task : tasks_) {
    task.live_is_known = false;
    if (task.state != TaskState::kRunning) continue;
    task.token.clear();
    task.lease_until = now_;
  }
}

std::optional<Submitted> QueueModel::submit(const NewTask& task, const SubmitLimits& limits) {
  if (task.id.empty() || task.max_attempts < 1) return std::nullopt;
  for (const ModelTask& other : tasks_) {
    const NewTask& first = other.submitted;
    if (task.idempotency_key.empty() || first.idempotency_key != task.idempotency_key ||
        first.owner != task.owner || now_ >= other.key_until)
      continue;
    const bool same = first.idempotency_hash == task.idempotency_hash;
    return Submitted{same ? SubmitOutcome::kExisting : SubmitOutcome::kConflict, first.id};
  }
  if (limits.max_queued > 0 && depth(task.lane) >= limits.max_queued)
    return Submitted{SubmitOutcome::kFull, ""};
  if (find(task.id) != nullptr) return std::nullopt;
  ModelTask created;
  created.submitted = task;
  created.created_wall = clock_.wall_ms();
  created.ready_at = task.delay_ms > 0 ? now_ + task.delay_ms : 0;
  created.key_until = now_ + task.idempotency_ttl_ms;
  tasks_.push_back(created);
  return Submitted{SubmitOutcome::kCreated, task.id};
}

ModelTask* QueueModel::find(const std::string& id) {
  const auto found = std::find_if(tasks_.begin(), tasks_.end(),
                                  [&](const ModelTask& task) { return task.submitted.id == id; });
  return found == tasks_.end() ? nullptr : &*found;
}

void QueueModel::cancel(ModelTask& task) {
  if (is_final(task.state)) return;
  task.cancel_requested = true;
  if (task.state == TaskState::kQueued) end(task, TaskState::kCancelled);
}

Removal QueueModel::remove(const std::string& id) {
  ModelTask* task = find(id);
  if (task == nullptr) return Removal::kNotFound;
  if (task->state == TaskState::kRunning) {
    cancel(*task);
    return Removal::kRunning;
  }
  tasks_.erase(tasks_.begin() + (task - tasks_.data()));
  return Removal::kRemoved;
}

Retry QueueModel::retry(const std::string& id) {
  ModelTask* task = find(id);
  if (task == nullptr) return Retry::kNotFound;
  if (task->state != TaskState::kFailed && task->state != TaskState::kCancelled)
    return Retry::kNotFailed;
  task->attempts = 0;
  offer(*task, task->error, 0);
  return Retry::kQueued;
}

QueueCounts QueueModel::counts() const {
  QueueCounts out;
  for (const ModelTask& task : tasks_) {
    switch (task.state) {
      case TaskState::kQueued:
        if (task.ready_at > now_) {
          ++out.scheduled;
          break;
        }
        ++out.queued;
        out.oldest_queued =
            std::min(out.oldest_queued.value_or(task.created_wall), task.created_wall);
        break;
      case TaskState::kRunning: ++out.running; break;
      case TaskState::kSucceeded: ++out.succeeded; break;
      case TaskState::kCancelled: ++out.cancelled; break;
      case TaskState::kFailed:
        ++out.failed;
        out.dead += task.dead ? 1 : 0;
        break;
    }
  }
  return out;
}

int64_t QueueModel::depth(Lane lane) const {
  return std::count_if(tasks_.begin(), tasks_.end(), [&](const ModelTask& task) {
    return task.state == TaskState::kQueued && task.submitted.lane == lane;
  });
}

std::vector<std::string> QueueModel::list(const TaskFilter& filter) const {
  std::vector<std::string> out;
  for (auto task = tasks_.rbegin(); task != tasks_.rend(); ++task) {
    const NewTask& is = task->submitted;
    const auto& states = filter.states;
    const bool fits =
        (states.empty() || std::count(states.begin(), states.end(), task->state) > 0) &&
        (filter.kind.empty() || filter.kind == is.kind) &&
        (filter.owner.empty() || filter.owner == is.owner) &&
        (!filter.lane || *filter.lane == is.lane) &&
        (!filter.created_after || task->created_wall > *filter.created_after) &&
        (!filter.created_before || task->created_wall < *filter.created_before);
    if (fits) out.push_back(is.id);
  }
  return out;
}

ModelTask* QueueModel::next(Lane lane) {
  ModelTask* best = nullptr;
  for (ModelTask& task : tasks_) {
    if (task.state != TaskState::kQueued || task.submitted.lane != lane || task.ready_at > now_)
      continue;
    if (best == nullptr || task.submitted.priority > best->submitted.priority) best = &task;
  }
  return best;
}

ModelTask* QueueModel::held(const Lease& lease) {
  ModelTask* task = find(lease.task_id);
  const bool is_held = task != nullptr && task->state == TaskState::kRunning &&
                       !task->token.empty() && task->token == lease.token;
  return is_held ? task : nullptr;
}

void QueueModel::lend(ModelTask& task, const ClaimRequest& request, const std::string& token) {
  task.state = TaskState::kRunning;
  ++task.attempts;
  task.worker = request.worker;
  task.token = token;
  task.lease_until = now_ + request.lease.count();
  task.started_wall = clock_.wall_ms();
  task.stage.clear();
  task.error = {};
  task.ready_at = 0;
  task.live_is_known = true;
  task.fraction.reset();
  task.events.clear();
}

void QueueModel::succeed(ModelTask& task, const std::string& result) {
  task.result = result;
  task.checkpoints.clear();
  end(task, TaskState::kSucceeded);
}

void QueueModel::fail(ModelTask& task, const Failure& failure) {
  if (failure.try_again && task.cancel_requested) return end(task, TaskState::kCancelled);
  if (failure.try_again && task.attempts < task.submitted.max_attempts)
    return offer(task, failure.error, failure.delay.count());
  end(task, TaskState::kFailed, failure.error, failure.try_again);
}

void QueueModel::release(ModelTask& task) {
  if (task.cancel_requested) return end(task, TaskState::kCancelled);
  --task.attempts;
  offer(task, {}, 0);
}

void QueueModel::end(ModelTask& task, TaskState state, const TaskError& error, bool dead) {
  task.state = state;
  task.error = error;
  task.dead = dead;
  task.finished_wall = clock_.wall_ms();
  task.token.clear();
  task.ready_at = 0;
  const int64_t ttl = task.submitted.result_ttl_ms;
  task.expires_at = ttl > 0 ? now_ + ttl : 0;
}

void QueueModel::offer(ModelTask& task, const TaskError& error, int64_t delay_ms) {
  task.state = TaskState::kQueued;
  task.cancel_requested = false;
  task.error = error;
  task.dead = false;
  task.started_wall.reset();
  task.finished_wall.reset();
  task.token.clear();
  task.expires_at = 0;
  task.ready_at = delay_ms > 0 ? now_ + delay_ms : 0;
}

void QueueModel::lose(ModelTask& task, Maintenance& out) {
  ++out.leases_expired;
  if (task.cancel_requested) return end(task, TaskState::kCancelled);
  const TaskError lost{"WORKER_LOST", "", task.stage};
  if (task.attempts >= task.submitted.max_attempts) {
    out.failed.push_back(task.submitted.id);
    return end(task, TaskState::kFailed, lost, /*dead=*/true);
  }
  out.offered_again.push_back(task.submitted.id);
  offer(task, lost, 0);
}

Maintenance QueueModel::maintain() {
  Maintenance out;
  for (ModelTask& task : tasks_)
    if (task.state == TaskState::kRunning && now_ >= task.lease_until) lose(task, out);
  std::erase_if(tasks_, [&](const ModelTask& task) {
    const bool is_over = task.expires_at > 0 && now_ >= task.expires_at;
    if (is_over) out.removed.push_back(task.submitted.id);
    return is_over;
  });
  return out;
}

Maintenance QueueModel::end_leases_of(const std::string& worker) {
  Maintenance out;
  for (ModelTask& task : tasks_)
    if (task.state == TaskState::kRunning && task.worker == worker) lose(task, out);
  return out;
}

}  // namespace maie::queue
