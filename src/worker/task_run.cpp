#include "worker/task_run.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace maie::worker {
namespace {

constexpr std::chrono::milliseconds kPublishInterval{250};

double seconds(TaskRun::Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

TaskRun::TaskRun(queue::TaskQueue& queue, queue::LeasedTask leased, const Limits& limits)
    : queue_(queue), leased_(std::move(leased)), limits_(limits) {}

void TaskRun::plan(std::vector<PlannedStage> stages) {
  const std::lock_guard lock(mutex_);
  stages_ = std::move(stages);
}

double TaskRun::fraction_of(double stage_fraction) const {
  double all = 0, done = 0;
  bool behind = false;
  for (const PlannedStage& stage : stages_) {
    all += stage.weight;
    behind = behind || stage.name == stage_;
    if (!behind) done += stage.weight;
    if (stage.name == stage_) done += stage.weight * std::clamp(stage_fraction, 0.0, 1.0);
  }
  return all > 0 && behind ? done / all : fraction_;
}

Status TaskRun::begin(std::string_view stage) {
  {
    const std::lock_guard lock(mutex_);
    stage_ = stage;
    fraction_ = std::max(fraction_, fraction_of(0));
    if (!first_fraction_) first_fraction_ = fraction_;
    moved_ = Clock::now();
  }
  MAIE_TRY(cancel_.status());
  MAIE_TRY(queue_.set_stage(lease(), stage));
  publish(true);
  return {};
}

void TaskRun::progress(double fraction) {
  {
    const std::lock_guard lock(mutex_);
    fraction_ = std::max(fraction_, fraction_of(fraction));
    moved_ = Clock::now();
  }
  publish(false);
}

void TaskRun::alive() {
  const std::lock_guard lock(mutex_);
  moved_ = Clock::now();
}

// What is lost here, the next report makes good.
void TaskRun::publish(bool always) {
  queue::LiveProgress live;
  {
    const std::lock_guard lock(mutex_);
    const Clock::time_point now = Clock::now();
    if (!always && now - published_ < kPublishInterval) return;
    published_ = now;
    live.stage = stage_;
    live.fraction = fraction_;
    const double done = fraction_ - first_fraction_.value_or(0);
    // Earlier the speed says little.
    if (done > 0.02)
      live.seconds_left = (seconds(now - started_) - waited_s_) / done * (1 - fraction_);
  }
  if (const Status status = queue_.report(lease(), live); !status.ok()) {
    log_debug("progress was not reported: " + status.message());
  }
}

void TaskRun::audio_duration(double duration_s) {
  const std::lock_guard lock(mutex_);
  audio_s_ = duration_s;
}

void TaskRun::tell(const jobs::Event& event) {
  if (const Status status = queue_.append_event(lease(), jobs::to_data(event)); !status.ok()) {
    log_debug("an event was not told: " + status.message());
  }
}

Status TaskRun::save_checkpoint(std::string_view name, std::string_view data) {
  return queue_.save_checkpoint(lease(), name, data);
}

std::map<std::string, std::string> TaskRun::checkpoints() {
  auto found = queue_.checkpoints(lease());
  if (found.has_value()) return std::move(*found);
  log_warning("checkpoints are not to be read, the task begins anew: " + found.error().message());
  return {};
}

TaskRun::Waiting::Waiting(TaskRun& run) : run_(run) {
  const std::lock_guard lock(run_.mutex_);
  run_.waiting_since_ = Clock::now();
}

TaskRun::Waiting::~Waiting() {
  const std::lock_guard lock(run_.mutex_);
  run_.moved_ = Clock::now();
  run_.waited_s_ += seconds(run_.moved_ - *run_.waiting_since_);
  run_.waiting_since_.reset();
}

void TaskRun::stop(StopReason reason) {
  {
    const std::lock_guard lock(mutex_);
    if (reason_ != StopReason::kNone) return;
    reason_ = reason;
    stopped_at_ = Clock::now();
  }
  cancel_.cancel();
}

StopReason TaskRun::stop_reason() const {
  const std::lock_guard lock(mutex_);
  return reason_;
}

double TaskRun::stopping_s() const {
  const std::lock_guard lock(mutex_);
  return stopped_at_ ? seconds(Clock::now() - *stopped_at_) : 0;
}

double TaskRun::time_limit_s() const {
  const std::lock_guard lock(mutex_);
  return limits_.job_s + limits_.job_per_audio_s * audio_s_;
}

double TaskRun::worked_s() const {
  const std::lock_guard lock(mutex_);
  const Clock::time_point until = waiting_since_.value_or(Clock::now());
  return seconds(until - started_) - waited_s_;
}

bool TaskRun::is_overdue() const { return worked_s() > time_limit_s(); }

bool TaskRun::is_stalled() const {
  const std::lock_guard lock(mutex_);
  return !waiting_since_ && seconds(Clock::now() - moved_) > limits_.stall_s;
}

bool TaskRun::is_waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_since_.has_value();
}

std::string TaskRun::stage() const {
  const std::lock_guard lock(mutex_);
  return stage_;
}

bool TaskRun::take_ending() {
  const std::lock_guard lock(mutex_);
  return !std::exchange(ending_taken_, true);
}

bool TaskRun::is_ended() const {
  const std::lock_guard lock(mutex_);
  return ending_taken_;
}

void TaskRun::renewed() {
  const std::lock_guard lock(mutex_);
  renewed_ = Clock::now();
}

double TaskRun::since_renewed_s() const {
  const std::lock_guard lock(mutex_);
  return seconds(Clock::now() - renewed_);
}

}  // namespace maie::worker
