#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/cancel.h"
#include "base/json.h"
#include "net/http_client.h"
#include "server/tracing.h"

namespace maie::server {

/// Sends spans to a receiver of OTLP over HTTP, in batches, from a thread of its own. `add` never
/// waits for the network. Any thread.
class SpanExporter {
 public:
  explicit SpanExporter(const TracingOptions& options);
  ~SpanExporter();  ///< sends what waits, for at most two seconds

  /// @param span  as OTLP writes it in JSON
  void add(Json span);
  int64_t sent() const { return sent_; }
  int64_t dropped() const { return dropped_; }

 private:
  enum class Answer { kTaken, kLater, kNever };
  void run();
  Answer send(const std::vector<Json>& spans);
  void deliver(const std::vector<Json>& spans);
  void failed(const std::string& why);

  const TracingOptions options_;
  Json resource_;
  net::HttpClient client_;
  CancelToken cancel_;
  std::atomic<int64_t> sent_{0}, dropped_{0};
  bool complained_ = false;  // of the thread alone
  std::mutex mutex_;         // guards the rest
  std::condition_variable wake_, ended_;
  std::deque<Json> waiting_;
  bool stop_ = false, done_ = false;
  std::thread thread_;
};

}  // namespace maie::server
