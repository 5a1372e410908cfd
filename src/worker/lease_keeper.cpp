#include "worker/lease_keeper.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/log.h"
#include "worker/worker.h"

namespace maie::worker {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kLook{250};
constexpr double kHungAfterS = 10;
// A job that was cancelled ends within a second or so; where it does not (a model is being loaded),
// the one who cancelled it need not wait.
constexpr double kConfirmAfterS = 1;
constexpr double kLongestDelayS = 3600;
constexpr int kChangesAtOnce = 200;

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(int64_t(seconds * 1000));
}

// Of a task that was stopped for a reason of ours.
JobFailure failure_of_stop(const TaskRun& run) {
  JobFailure failure;
  failure.error.code = "PROCESSING_ERROR";
  failure.error.stage = stage_of(run.task().kind, step_of_stage(run.stage()));
  if (run.stop_reason() == StopReason::kTimedOut) {
    failure.error.message = "Task exceeded maximum timeout value (" +
                            std::to_string(std::llround(run.time_limit_s())) + " seconds)";
  } else {
    failure.error.message = "The stage made no progress and was stopped";
    failure.try_again = true;
  }
  return failure;
}

bool may_pass(Code code) {
  return code == Code::kUnavailable || code == Code::kResourceExhausted || code == Code::kCorrupt;
}

// A result that took an hour is worth some patience with a disk that is full for a moment, or a
// queue that waits for its repair.
Status store(queue::TaskQueue& queue, const TaskRun& run, const std::string& result) {
  Status status;
  for (int i = 0; i < 5; ++i) {
    status = queue.succeed(run.lease(), result);
    if (!may_pass(status.code())) break;
    std::this_thread::sleep_for(500ms * (i + 1));
  }
  return status;
}

Status fail(queue::TaskQueue& queue, const TaskRun& run, const JobFailure& failure,
            const config::Settings& settings) {
  const int attempt = std::max(run.task().attempts, 1);
  const double delay_s =
      std::min(std::ldexp(settings.queue.retry_delay_s, attempt - 1), kLongestDelayS);
  return queue.fail(run.lease(), {failure.error, failure.try_again, milliseconds(delay_s)});
}

Status finish(queue::TaskQueue& queue, const TaskRun& run, const Outcome* outcome,
              const config::Settings& settings) {
  const StopReason reason = run.stop_reason();
  if (reason == StopReason::kLeaseLost) return {};
  if (reason == StopReason::kCancelRequested) return queue.confirm_cancel(run.lease());
  if (outcome != nullptr && outcome->result) {
    const Status status = store(queue, run, *outcome->result);
    if (status.ok() || status.code() == Code::kNotFound) return status;
    log_error("the result could not be stored: " + status.message());
    return fail(queue, run, failure_of(run.task().kind, Step::kStore, status, settings), settings);
  }
  if (reason == StopReason::kShutdown) return queue.release(run.lease());
  if (reason != StopReason::kNone || outcome == nullptr)
    return fail(queue, run, failure_of_stop(run), settings);
  return fail(queue, run, outcome->failure, settings);
}

}  // namespace

void end_task(queue::TaskQueue& queue, TaskRun& run, const Outcome* outcome,
              const config::Settings& settings) {
  if (!run.take_ending()) return;
  const Status status = finish(queue, run, outcome, settings);
  if (status.code() == Code::kNotFound) {
    log_warning("the lease was lost, what was worked out is not stored");
  } else if (!status.ok()) {
    log_error("the end of the task was not stored, its lease will run out: " + status.message());
  }
}

LeaseKeeper::LeaseKeeper(const config::Settings& settings, queue::TaskQueue& queue)
    : settings_(settings), queue_(queue), thread_([this] { keep(); }) {}

LeaseKeeper::~LeaseKeeper() {
  finished_.cancel();
  thread_.join();
}

void LeaseKeeper::add(std::shared_ptr<TaskRun> run) {
  const std::lock_guard lock(mutex_);
  runs_.push_back(std::move(run));
}

void LeaseKeeper::remove(const TaskRun& run) {
  const std::lock_guard lock(mutex_);
  std::erase_if(runs_, [&run](const auto& one) { return one.get() == &run; });
}

std::vector<std::shared_ptr<TaskRun>> LeaseKeeper::runs() const {
  const std::lock_guard lock(mutex_);
  return runs_;
}

std::vector<std::string> LeaseKeeper::tasks() const {
  std::vector<std::string> ids;
  for (const auto& run : runs()) ids.push_back(run->task().id);
  return ids;
}

void LeaseKeeper::stop_all(StopReason reason) {
  for (const auto& run : runs()) run->stop(reason);
}

void LeaseKeeper::keep() {
  queue::ChangeCursor seen;
  if (const auto now = queue_.cursor(); now.has_value()) seen = *now;
  while (!finished_.is_cancelled()) {
    look_for_cancellations(seen);
    for (const auto& run : runs()) look_at(*run);
  }
}

// Waits for a moment, and stops what somebody has cancelled meanwhile.
void LeaseKeeper::look_for_cancellations(queue::ChangeCursor& seen) {
  const auto now = queue_.wait_for_change(seen, kLook, finished_);
  if (!now.has_value()) {
    std::this_thread::sleep_for(kLook);
    return;
  }
  seen.live = now->live;
  if (now->tasks == seen.tasks) return;
  const auto all = runs();
  while (seen.tasks < now->tasks) {
    const auto changed = queue_.changed_tasks(seen.tasks, kChangesAtOnce);
    if (!changed.has_value()) return;
    for (const queue::Task& task : *changed) {
      seen.tasks = std::max(seen.tasks, task.change);
      if (!task.cancel_requested) continue;
      for (const auto& run : all)
        if (run->task().id == task.id) run->stop(StopReason::kCancelRequested);
    }
    if (int(changed->size()) < kChangesAtOnce) break;
  }
  seen.tasks = std::max(seen.tasks, now->tasks);
}

void LeaseKeeper::look_at(TaskRun& run) {
  const LogScope ids({.request_id = run.task().request_id, .task_id = run.task().id});
  if (run.stop_reason() == StopReason::kNone) {
    if (run.is_overdue()) {
      log_warning("the task takes longer than it may and is stopped");
      run.stop(StopReason::kTimedOut);
    } else if (run.is_stalled()) {
      log_warning("the task stands still and is stopped", {{"stage", run.stage()}});
      run.stop(StopReason::kStalled);
    }
  }
  const StopReason reason = run.stop_reason();
  if (reason == StopReason::kCancelRequested && run.stopping_s() > kConfirmAfterS)
    end_task(queue_, run, nullptr, settings_);
  if (reason != StopReason::kNone && run.stopping_s() > kHungAfterS && !run.is_waiting())
    leave_process("stage " + run.stage() + " of task " + run.task().id + " hangs");
  if (reason == StopReason::kLeaseLost || run.is_ended() ||
      run.since_renewed_s() < settings_.queue.heartbeat_s)
    return;

  const auto state = queue_.renew(run.lease(), milliseconds(settings_.queue.lease_s));
  if (state.has_value()) {
    run.renewed();
    if (*state == queue::LeaseState::kCancelRequested) run.stop(StopReason::kCancelRequested);
    if (*state == queue::LeaseState::kLost) {
      log_warning("the lease was lost, the task is left to others");
      run.stop(StopReason::kLeaseLost);
    }
  } else if (run.since_renewed_s() > settings_.queue.lease_s) {
    log_error("the lease could not be renewed: " + state.error().message());
    run.stop(StopReason::kLeaseLost);
  }
}

void LeaseKeeper::leave_process(const std::string& why) {
  log_error("this worker process ends: " + why);
  for (const auto& run : runs()) {
    run->stop(StopReason::kShutdown);  // those that have no other reason go back to the queue
    end_task(queue_, *run, nullptr, settings_);
  }
  std::_Exit(kExitHung);
}

}  // namespace maie::worker
