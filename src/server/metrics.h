#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "jobs/stored_result.h"
#include "queue/task_queue.h"
#include "server/http/server.h"

namespace maie::server {

/// The numbers of GET /metrics, by the names of docs/spec/interfaces.md, section 10. Any thread;
/// counting takes no lock that inference holds.
class Metrics {
 public:
  Metrics(std::string version, std::string commit);
  ~Metrics();

  void request_done(const http::Hooks::Done& done);
  void requests_in_flight(int change);
  void rejected(
      std::string_view reason);  ///< "queue_full", "memory", "rate_limit", "disk_full", ...
  /// A task in its final state, with its result, null where there is none. The same end told twice
  /// is counted once, so that the one who removes a task may tell it as well as the EventHub.
  void task_ended(const queue::Task& task, const jobs::StoredResult* result);
  void task_retried(std::string_view kind, std::string_view reason);
  void leases_expired(int64_t count);
  /// The folder whose file system maie_disk_* speak of. Before the first render.
  void watch_disk(std::string folder);

  /// The whole page; gauges are asked from the queue first.
  /// @param open_metrics  the application/openmetrics-text form
  std::string render(queue::TaskQueue& queue, bool open_metrics);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maie::server
