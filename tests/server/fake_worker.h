#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "jobs/job.h"
#include "jobs/live.h"
#include "jobs/stored_result.h"
#include "queue/task_queue.h"

namespace maie::server {

/// Takes tasks from a queue as a worker does, and does with each what a test says. In a thread of
/// its own, until it is destroyed.
class FakeWorker {
 public:
  /// One leased task.
  class Run {
   public:
    Run(queue::TaskQueue& queue, queue::LeasedTask leased)
        : queue_(queue), leased_(std::move(leased)) {}

    const queue::Task& task() const { return leased_.task; }
    template <class Job>
    Job job() const {
      return std::get<Job>(jobs::from_payload(task().kind, task().payload).value());
    }
    void tell(const jobs::Event& event) {
      (void)queue_.append_event(leased_.lease, jobs::to_data(event));
    }
    void succeed(const jobs::StoredResult& result) {
      (void)queue_.succeed(leased_.lease, jobs::to_bytes(result));
    }
    void fail(std::string code, std::string message, bool try_again = false) {
      (void)queue_.fail(leased_.lease, {{std::move(code), std::move(message), "asr"}, try_again});
    }
    /// Waits until the client's wish to stop arrives, and grants it. False after ten seconds.
    bool stop_when_asked() {
      for (int i = 0; i < 1000; ++i) {
        const auto state = queue_.renew(leased_.lease, std::chrono::seconds(30));
        if (state.has_value() && *state == queue::LeaseState::kCancelRequested) {
          return queue_.confirm_cancel(leased_.lease).ok();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      return false;
    }

   private:
    queue::TaskQueue& queue_;
    queue::LeasedTask leased_;
  };
  using Script = std::function<void(Run&)>;

  FakeWorker(queue::TaskQueue& queue, Script script)
      : queue_(queue), script_(std::move(script)), thread_([this] { work(); }) {}
  ~FakeWorker() {
    stop_ = true;
    thread_.join();
  }
  int tasks() const { return tasks_; }

 private:
  void work() {
    while (!stop_) {
      const auto leased = queue_.claim({.worker = "fake", .lane = queue::Lane::kInteractive});
      if (leased.has_value() && *leased) {
        ++tasks_;
        Run run(queue_, **leased);
        script_(run);
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    }
  }

  queue::TaskQueue& queue_;
  const Script script_;
  std::atomic<bool> stop_{false};
  std::atomic<int> tasks_{0};
  std::thread thread_;
};

}  // namespace maie::server
