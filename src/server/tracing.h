#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "jobs/stored_result.h"
#include "queue/task_queue.h"
#include "server/http/server.h"

namespace maie::server {

/// Where spans go and which are made.
struct TracingOptions {
  std::string url;  ///< of the receiver, with its path; empty: tracing is off
  std::vector<std::pair<std::string, std::string>> headers;
  std::string service_name = "maie";
  std::vector<std::pair<std::string, std::string>> resource;  ///< more attributes of the service
  bool follow_parent = true;                                  ///< a client that decided is followed
  double share = 1;     ///< of the traces that begin here, 0 to 1
  std::string version;  ///< of the program
};

/// The settings, and where they are empty the usual variables: OTEL_EXPORTER_OTLP_ENDPOINT (or
/// _TRACES_ENDPOINT), OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
/// OTEL_TRACES_SAMPLER and _ARG, OTEL_SDK_DISABLED. Offline: off.
/// @param environment  nullptr for a variable that is not set, as getenv
TracingOptions tracing_options(const config::Settings& settings, std::string version,
                               const std::function<const char*(const char*)>& environment);

/// Spans of requests and of the stages of tasks, sent as OTLP over HTTP (JSON) by a thread of its
/// own. A receiver that is slow or gone costs spans, never time: at most kMostWaiting wait, more
/// are dropped. Texts, file names and keys are never in a span. Any thread.
class Tracer {
 public:
  static constexpr size_t kMostWaiting = 4096;

  explicit Tracer(TracingOptions options);
  ~Tracer();  ///< sends what waits, for at most two seconds

  bool enabled() const;
  /// First thing of a request (Hooks::guard): its header `traceparent` becomes that of the span of
  /// this request, which is what a task that is submitted keeps (queue::NewTask::traceparent).
  void begin(http::Request& request) const;
  /// Hooks::done.
  void request_done(const http::Hooks::Done& done);
  /// A task in its final state, with its result, null where there is none: one span of the task and
  /// `maie.stage.<name>` for each stage, in the trace of the request that submitted it.
  void task_ended(const queue::Task& task, const jobs::StoredResult* result);

  int64_t sent() const;     ///< spans that the receiver took
  int64_t dropped() const;  ///< spans that nobody took

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maie::server
