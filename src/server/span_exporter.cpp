#include "server/span_exporter.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/log.h"

namespace maie::server {
namespace {

using std::chrono::milliseconds;

constexpr size_t kBatch = 512;
constexpr milliseconds kGather{1000};     // a batch that is not full waits so long for more
constexpr milliseconds kFirstPause{500};  // before another try; doubles
constexpr int kTries = 4;
constexpr milliseconds kFarewell{2000};
constexpr double kSendLimit_s = 10;

Json attribute(const std::string& key, const std::string& value) {
  return {{"key", key}, {"value", {{"stringValue", value}}}};
}

Json resource_of(const TracingOptions& options) {
  Json attributes = Json::array({attribute("service.name", options.service_name),
                                 attribute("service.version", options.version),
                                 attribute("telemetry.sdk.language", "cpp"),
                                 attribute("telemetry.sdk.name", "maie")});
  attributes.push_back(
      {{"key", "process.pid"}, {"value", {{"intValue", std::to_string(getpid())}}}});
  for (const auto& [key, value] : options.resource) {
    if (key != "service.name") attributes.push_back(attribute(key, value));
  }
  return {{"attributes", std::move(attributes)}};
}

}  // namespace

SpanExporter::SpanExporter(const TracingOptions& options)
    : options_(options),
      resource_(resource_of(options)),
      client_(net::HttpOptions{.connect_timeout_s = 5, .user_agent = "maie/" + options.version}),
      thread_([this] { run(); }) {}

SpanExporter::~SpanExporter() {
  {
    std::unique_lock lock(mutex_);
    stop_ = true;
    wake_.notify_all();
    ended_.wait_for(lock, kFarewell, [this] { return done_; });
  }
  cancel_.cancel();
  thread_.join();
}

void SpanExporter::add(Json span) {
  const std::scoped_lock lock(mutex_);
  if (stop_ || waiting_.size() >= Tracer::kMostWaiting) {
    ++dropped_;
    return;
  }
  waiting_.push_back(std::move(span));
  if (waiting_.size() == 1 || waiting_.size() >= kBatch) wake_.notify_all();
}

void SpanExporter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    wake_.wait_for(lock, kGather, [this] { return stop_ || waiting_.size() >= kBatch; });
    if (waiting_.empty()) break;  // stopped, and nothing is left
    const size_t count = std::min(waiting_.size(), kBatch);
    const std::vector<Json> batch(std::make_move_iterator(waiting_.begin()),
                                  std::make_move_iterator(waiting_.begin() + int64_t(count)));
    waiting_.erase(waiting_.begin(), waiting_.begin() + int64_t(count));
    lock.unlock();
    deliver(batch);
    lock.lock();
  }
  done_ = true;
  ended_.notify_all();
}

void SpanExporter::deliver(const std::vector<Json>& spans) {
  milliseconds pause = kFirstPause;
  for (int attempt = 1; attempt <= kTries; ++attempt, pause *= 2) {
    const Answer answer = send(spans);
    if (answer == Answer::kTaken) {
      sent_ += int64_t(spans.size());
      complained_ = false;
      return;
    }
    if (answer == Answer::kNever || attempt == kTries) break;
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, pause, [this] { return stop_; })) break;
  }
  dropped_ += int64_t(spans.size());
}

SpanExporter::Answer SpanExporter::send(const std::vector<Json>& spans) {
  const Json body = {
      {"resourceSpans",
       Json::array({{{"resource", resource_},
                     {"scopeSpans",
                      Json::array({{{"scope", {{"name", "maie"}, {"version", options_.version}}},
                                    {"spans", spans}}})}}})}};
  net::HttpRequest request;
  request.method = "POST";
  request.url = options_.url;
  request.headers = options_.headers;
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = to_line(body);
  request.total_limit_s = kSendLimit_s;
  request.redirects = net::Redirects::kSameOrigin;
  const Result<net::HttpResponse> response = client_.send(request, &cancel_);
  if (!response.has_value()) {
    failed(response.error().message());
    return Answer::kLater;
  }
  if (response->ok()) return Answer::kTaken;
  failed("the receiver answered " + std::to_string(response->status));
  const int status = response->status;
  return status == 429 || status == 502 || status == 503 || status == 504 ? Answer::kLater
                                                                          : Answer::kNever;
}

// Once, until it works again: a receiver may be away for days.
void SpanExporter::failed(const std::string& why) {
  if (!complained_) log_warning("traces are not taken, spans will be dropped: " + why);
  complained_ = true;
}

}  // namespace maie::server
