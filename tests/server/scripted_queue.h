#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "queue/task_queue.h"

namespace maie::server {

/// A queue that says what a test gave it, also what takes days in a real one. Nothing can be
/// submitted to it. One thread at a time may change the members.
class ScriptedQueue : public queue::TaskQueue {
 public:
  std::map<std::string, queue::Task, std::less<>> tasks;
  std::map<std::string, std::string, std::less<>> results;
  queue::QueueCounts numbers;
  std::vector<queue::WorkerRecord> records;
  queue::Maintenance maintenance;
  std::atomic<int> maintained{0};
  bool down = false;  ///< every call is kUnavailable

  Result<std::optional<queue::Task>> find(std::string_view id) override {
    if (down) return gone();
    const auto found = tasks.find(id);
    if (found == tasks.end()) return std::optional<queue::Task>();
    return std::optional<queue::Task>(found->second);
  }
  Result<queue::QueueCounts> counts() override {
    if (down) return gone();
    return numbers;
  }
  Result<std::vector<queue::WorkerRecord>> workers(std::chrono::milliseconds) override {
    if (down) return gone();
    return records;
  }
  Result<queue::Maintenance> maintain() override {
    if (down) return gone();
    ++maintained;
    return maintenance;
  }
  Result<std::optional<std::string>> result(std::string_view id) override {
    if (down) return gone();
    const auto found = results.find(id);
    if (found == results.end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  }
  Status ping() override { return down ? gone() : Status(); }
  std::string_view engine() const override { return "embedded"; }

  // What the tests of this folder do not ask for.
  Result<queue::Submitted> submit(const queue::NewTask&, const queue::SubmitLimits&) override {
    return gone();
  }
  Result<queue::TaskPage> list(const queue::TaskFilter&) override { return gone(); }
  Result<std::optional<queue::Task>> cancel(std::string_view) override { return gone(); }
  Result<queue::Removal> remove(std::string_view) override { return gone(); }
  Result<queue::Retry> retry(std::string_view) override { return gone(); }
  Result<int64_t> depth(queue::Lane) override { return gone(); }
  Result<std::optional<queue::LeasedTask>> claim(const queue::ClaimRequest&) override {
    return gone();
  }
  Result<queue::LeaseState> renew(const queue::Lease&, std::chrono::milliseconds) override {
    return gone();
  }
  Status set_stage(const queue::Lease&, std::string_view) override { return gone(); }
  Status save_checkpoint(const queue::Lease&, std::string_view, std::string_view) override {
    return gone();
  }
  Result<std::map<std::string, std::string>> checkpoints(const queue::Lease&) override {
    return gone();
  }
  Status succeed(const queue::Lease&, std::string_view) override { return gone(); }
  Status fail(const queue::Lease&, const queue::Failure&) override { return gone(); }
  Status confirm_cancel(const queue::Lease&) override { return gone(); }
  Status release(const queue::Lease&) override { return gone(); }
  Status announce(const queue::WorkerRecord&) override { return gone(); }
  Status leave(std::string_view) override { return gone(); }
  Result<queue::Maintenance> end_leases_of(std::string_view) override { return gone(); }
  Status report(const queue::Lease&, const queue::LiveProgress&) override { return gone(); }
  Status append_event(const queue::Lease&, std::string_view) override { return gone(); }
  Result<std::optional<queue::LiveProgress>> progress(std::string_view) override { return gone(); }
  Result<std::vector<queue::LiveEvent>> events(std::string_view, int64_t, int) override {
    return gone();
  }
  Result<queue::ChangeCursor> cursor() override { return gone(); }
  Result<queue::ChangeCursor> wait_for_change(const queue::ChangeCursor&, std::chrono::milliseconds,
                                              const CancelToken&) override {
    return gone();
  }
  Result<std::vector<queue::Task>> changed_tasks(int64_t, int) override { return gone(); }
  Result<std::vector<std::string>> live_tasks(int64_t) override { return gone(); }

 private:
  static Status gone() { return unavailable("queue.db: the store does not answer"); }
};

}  // namespace maie::server
