#include "worker/worker.h"

#include <sys/resource.h>
#include <unistd.h>

#include <exception>
#include <mutex>
#include <new>

#include "base/log.h"
#include "base/memory.h"
#include "base/version.h"
#include "worker/job_runner.h"
#include "worker/lease_keeper.h"
#include "worker/worker_id.h"
#include "worker/worker_status.h"

namespace maie::worker {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kIdleLook{500};  // scheduled tasks become ready unannounced
constexpr std::chrono::milliseconds kHousekeeping{2000};
constexpr double kLastPatienceS = 10;  // after the grace time

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

// Sleeps, but not past a stop.
void doze(std::chrono::milliseconds time, const CancelToken& stop) {
  const auto until = SteadyClock::now() + time;
  while (!stop.is_cancelled() && SteadyClock::now() < until) std::this_thread::sleep_for(50ms);
}

// Of this thread and those that it starts; the keeper of leases stays as it is.
void step_back(int nice) {
  if (nice != 0) (void)::setpriority(PRIO_PROCESS, 0, nice);
}

summary::TemplateRoots template_roots(const config::Settings& settings) {
  summary::TemplateRoots roots = summary::template_roots_of_process();
  if (!settings.paths.templates_dir.empty()) roots.own = settings.paths.templates_dir;
  return roots;
}

class Worker {
 public:
  Worker(const config::Settings& settings, queue::TaskQueue& queue, Models& models,
         const CancelToken& stop)
      : settings_(settings),
        queue_(queue),
        stop_(stop),
        models_(models),
        templates_(template_roots(settings)),
        keeper_(settings, queue) {}

  Status run() {
    MAIE_TRY(announce());
    log_info("worker " + id_ + " takes tasks");
    housekeeping_ = std::thread([this] { keep_house(); });
    open_lane(queue::Lane::kBatch, settings_.worker.concurrency, batch_turn_);
    open_lane(queue::Lane::kInteractive, settings_.worker.interactive, interactive_turn_);
    while (!stop_.is_cancelled()) std::this_thread::sleep_for(50ms);
    end();
    return {};
  }

 private:
  void open_lane(queue::Lane lane, int places, std::mutex& turn) {
    for (int i = 0; i < places; ++i) {
      ++working_;
      threads_.emplace_back([this, lane, &turn] {
        step_back(settings_.worker.nice);
        while (std::optional<queue::LeasedTask> task = next(lane, turn)) work(std::move(*task));
        --working_;
      });
    }
  }

  // The next task of a lane; nullopt once a stop was asked. One idle thread of a lane waits at the
  // queue, the others behind it.
  std::optional<queue::LeasedTask> next(queue::Lane lane, std::mutex& turn) {
    const std::lock_guard lock(turn);
    while (!stop_.is_cancelled()) {
      const auto seen = queue_.cursor();
      auto task = queue_.claim({id_, lane, lease_length()});
      if (!task.has_value() || !seen.has_value()) {
        log_error("no task can be taken: " +
                  (task.has_value() ? seen.error() : task.error()).message());
        doze(1s, stop_);
        continue;
      }
      if (*task) return std::move(**task);
      wait_for_task(*seen);
    }
    return std::nullopt;
  }

  // Until tasks change; progress and events are no news here.
  void wait_for_task(queue::ChangeCursor seen) {
    const auto until = SteadyClock::now() + kIdleLook;
    while (!stop_.is_cancelled()) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - SteadyClock::now());
      if (left <= 0ms) return;
      const auto now = queue_.wait_for_change(seen, left, stop_);
      if (!now.has_value()) return doze(kIdleLook, stop_);
      if (now->tasks != seen.tasks) return;
      seen.live = now->live;
    }
  }

  void work(queue::LeasedTask leased) {
    const config::WorkerSettings& limits = settings_.worker;
    const auto run = std::make_shared<TaskRun>(
        queue_, std::move(leased),
        TaskRun::Limits{limits.job_timeout_s, limits.job_timeout_per_audio_s, limits.stall_s});
    const queue::Task& task = run->task();
    const LogScope ids({.request_id = task.request_id, .task_id = task.id});
    log_info("task taken", {{"kind", task.kind}, {"attempt", task.attempts}});
    keeper_.add(run);
    const Outcome outcome = guarded_job(*run);
    end_task(queue_, *run, &outcome, settings_);
    keeper_.remove(*run);
    log_info("task left", {{"kind", task.kind},
                           {"succeeded", outcome.result.has_value()},
                           {"seconds", run->worked_s()}});
  }

  // The last catch: whatever happens, the task says so and the worker goes on.
  Outcome guarded_job(TaskRun& run) {
    Outcome outcome;
    try {
      return run_job(run, {settings_, models_, templates_});
    } catch (const std::bad_alloc&) {
      outcome.failure = {{"MODEL_MEMORY_ERROR", "out of memory", ""}, true};
    } catch (const std::exception& error) {
      log_error(std::string("a fault of the program: ") + error.what());
      outcome.failure = {{"PROCESSING_ERROR", "The task met a fault of the program", ""}, false};
    }
    outcome.failure.error.stage = stage_of(run.task().kind, step_of_stage(run.stage()));
    return outcome;
  }

  std::chrono::milliseconds lease_length() const {
    return std::chrono::milliseconds(int64_t(settings_.queue.lease_s * 1000));
  }

  Status announce() {
    WorkerStatus status;
    status.host = host_name();
    status.pid = ::getpid();
    status.version = kVersion;
    status.jobs = settings_.worker.concurrency;
    status.interactive = settings_.worker.interactive;
    status.tasks = keeper_.tasks();
    status.budget_bytes = models_.pool->budget_bytes();
    status.reserved_bytes = models_.pool->reserved_bytes();
    status.resident_bytes = resident_memory();
    status.models = models_.pool->resident();
    status.offers = models_.pool->offers();
    for (WorkerStatus::Offered& offer : status.offers)
      offer.problem = for_clients(offer.problem, settings_);
    return queue_.announce({.id = id_, .status = to_text(status), .started = started_});
  }

  void keep_house() {
    while (!stop_.is_cancelled() || working_ > 0) {
      if (const Status status = announce(); !status.ok())
        log_warning("the queue does not hear of this worker: " + status.message());
      if (const auto done = queue_.maintain(); !done.has_value())
        log_warning("the queue could not be looked after: " + done.error().message());
      if (settings_.worker.idle_unload_s > 0)
        models_.pool->drop_idle(settings_.worker.idle_unload_s);
      for (auto slept = 0ms; slept < kHousekeeping && (!stop_.is_cancelled() || working_ > 0);
           slept += 50ms) {
        std::this_thread::sleep_for(50ms);
      }
    }
  }

  // What runs may end within the grace time, then it goes back to the queue.
  void end() {
    if (working_ > 0) log_info("stopping: no new tasks; what runs may end");
    wait_for_threads(settings_.worker.grace_s);
    if (working_ > 0) {
      keeper_.stop_all(StopReason::kShutdown);
      wait_for_threads(kLastPatienceS);
      if (working_ > 0) keeper_.leave_process("a task does not let itself be stopped");
    }
    for (std::thread& thread : threads_) thread.join();
    housekeeping_.join();
    if (const Status status = queue_.leave(id_); !status.ok())
      log_warning("the queue was not told that this worker leaves: " + status.message());
    log_info("worker " + id_ + " has stopped");
  }

  void wait_for_threads(double seconds) const {
    const auto until = SteadyClock::now() + std::chrono::duration<double>(seconds);
    while (working_ > 0 && SteadyClock::now() < until) std::this_thread::sleep_for(20ms);
  }

  const config::Settings& settings_;
  queue::TaskQueue& queue_;
  const CancelToken& stop_;
  Models& models_;
  summary::TemplateStore templates_;
  LeaseKeeper keeper_;
  const std::string id_ = worker_id_of_process();
  const queue::WallMs started_ = std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count();
  std::mutex batch_turn_, interactive_turn_;
  std::atomic<int> working_{0};
  std::vector<std::thread> threads_;
  std::thread housekeeping_;
};

}  // namespace

Status run_worker(const config::Settings& settings, queue::TaskQueue& queue, Models& models,
                  const CancelToken& stop) {
  return Worker(settings, queue, models, stop).run();
}

Status run_worker(const config::Settings& settings, queue::TaskQueue& queue,
                  const CancelToken& stop) {
  Models models = models_of(settings);
  return run_worker(settings, queue, models, stop);
}

}  // namespace maie::worker
