// GET /v1/tasks/{task_id}/events: server-sent events, from the first one or behind Last-Event-ID.
//
//   event: state      data: the task's view     at the beginning and whenever its state changes
//   event: progress   data: {"stage", "fraction", "seconds_left"}
//   event: segment    data: a segment of the transcript; id: attempt and number, "1-17"
//   event: restart    data: {"attempt"}         a worker was lost: segments come anew
//   event: done       data: the task's view     the last one; then the stream ends
//   event: removed    data: {"task_id"}         instead of done, where somebody removed the task
//
// A watcher is an entry in the EventHub and an idle connection: no thread, no query until the task
// changes.
#include <charconv>
#include <mutex>

#include "jobs/live.h"
#include "server/answers.h"
#include "server/event_hub.h"
#include "server/known_task.h"
#include "server/openapi_schemas.h"
#include "server/sse.h"
#include "server/status_view.h"
#include "server/task_route_groups.h"

namespace maie::server {
namespace {

using http::ReplyPtr;
using http::Request;

constexpr int kEventsAtOnce = 200;

std::string event_text(std::string_view name, const Json& data, std::string_view id = "") {
  std::string text = "event: " + std::string(name) + "\n";
  if (!id.empty()) text += "id: " + std::string(id) + "\n";
  return text + "data: " + to_line(data) + "\n\n";
}

Json segment_view(const pipeline::Segment& segment) {
  return {{"start", segment.start_s}, {"end", segment.end_s}, {"text", segment.text}};
}

class Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  /// @param attempt, after  the last segment the client has seen; 0 for none
  Watcher(Service& service, std::string task_id, int attempt, int64_t after)
      : service_(service), task_id_(std::move(task_id)), attempt_(attempt), sent_(after) {}

  void start(const ReplyPtr& reply) {
    reply->on_disconnect([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->end();
    });
    {
      const std::lock_guard lock(mutex_);
      stream_ = reply->start(event_stream_head());
    }
    const double period = service_.settings.server.event_keep_alive_s;
    // The hub's entries own the watcher; ending takes them out of the hub.
    auto watch = service_.events.watch(task_id_, [self = shared_from_this()] { self->look(); });
    auto timer = service_.events.every(std::min(period, 1.0),
                                       [self = shared_from_this(), period] { self->tick(period); });
    const std::lock_guard lock(mutex_);
    if (!stream_) return;  // it has ended meanwhile
    watch_ = std::move(watch);
    timer_ = std::move(timer);
  }

 private:
  // Says all that is new. Called by the hub's thread.
  void look() {
    const std::lock_guard lock(mutex_);
    if (!stream_) return;
    const Result<std::optional<queue::Task>> task = service_.queue.find(task_id_);
    if (!task.has_value()) return;  // the next change asks again
    if (!*task) return finish(event_text("removed", {{"task_id", task_id_}}));
    std::string text;
    if ((*task)->attempts > attempt_) begin_attempt((*task)->attempts, text);
    if (const std::string_view status = status_of(**task); status != status_) {
      status_ = status;
      text += event_text("state", task_view(**task, std::nullopt));
    }
    add_progress(text);
    add_events(text);
    if (is_final((*task)->state)) {
      return finish(text + event_text("done", task_view(**task, std::nullopt)));
    }
    say(std::move(text));
  }

  void begin_attempt(int attempt, std::string& text) {
    if (attempt_ > 0) {
      text += event_text("restart", {{"attempt", attempt}});
      sent_ = 0;
    }
    attempt_ = attempt;
  }

  void add_progress(std::string& text) {
    const Result<std::optional<queue::LiveProgress>> progress = service_.queue.progress(task_id_);
    if (!progress.has_value() || !*progress) return;
    const queue::LiveProgress& now = **progress;
    if (now.stage == stage_ && now.fraction <= fraction_) return;
    stage_ = now.stage;
    fraction_ = std::max(fraction_, now.fraction);
    text += event_text("progress",
                       {{"stage", now.stage},
                        {"fraction", fraction_},
                        {"seconds_left", now.seconds_left ? Json(*now.seconds_left) : Json()}});
  }

  void add_events(std::string& text) {
    while (true) {
      const Result<std::vector<queue::LiveEvent>> events =
          service_.queue.events(task_id_, sent_, kEventsAtOnce);
      if (!events.has_value() || events->empty()) return;
      for (const queue::LiveEvent& event : *events) {
        if (event.attempt > attempt_) {  // it began after the task was looked at
          begin_attempt(event.attempt, text);
          break;
        }
        sent_ = std::max(sent_, event.number);
        const Result<jobs::Event> read = jobs::event_of(event.data);
        if (!read.has_value()) continue;
        if (const auto* segment = std::get_if<jobs::SegmentEvent>(&*read)) {
          text += event_text("segment", segment_view(segment->segment),
                             std::to_string(attempt_) + "-" + std::to_string(event.number));
        }
      }
    }
  }

  void tick(double period) {
    const std::lock_guard lock(mutex_);
    if (!stream_) return;
    if (service_.draining) return finish(": the service is being stopped\n\n");
    silence_s_ += std::min(period, 1.0);
    if (silence_s_ < period) return;
    look();  // a task that was removed is told by nobody
    if (stream_ && silence_s_ >= period) say(": keep-alive\n\n");
  }

  // With mutex_ held.
  void say(std::string text) {
    if (text.empty()) return;
    silence_s_ = 0;
    if (!stream_->write(std::move(text))) release();
  }
  void finish(std::string text) {
    stream_->write(std::move(text));
    stream_->close();
    release();
  }
  // On the hub's thread, so that ending its entries waits for nobody.
  void release() {
    stream_.reset();
    watch_.reset();
    timer_.reset();
  }

  void end() {
    std::unique_ptr<EventHub::Watch> watch, timer;
    const auto self = shared_from_this();
    {
      const std::lock_guard lock(mutex_);
      stream_.reset();
      watch = std::move(watch_);
      timer = std::move(timer_);
    }
  }

  Service& service_;
  const std::string task_id_;
  std::recursive_mutex mutex_;
  std::shared_ptr<http::Stream> stream_;
  std::unique_ptr<EventHub::Watch> watch_, timer_;
  int attempt_;
  int64_t sent_;
  std::string status_, stage_;
  double fraction_ = -1, silence_s_ = 0;
};

void send_events(Service& service, Request& request, const ReplyPtr& reply) {
  // "2-17": the 17th segment of the second attempt
  int attempt = 0;
  int64_t after = 0;
  const std::string_view last = request.headers.get("last-event-id");
  const char* const end = last.data() + last.size();
  const auto dash = std::from_chars(last.data(), end, attempt);
  if (dash.ec == std::errc() && dash.ptr != end) std::from_chars(dash.ptr + 1, end, after);
  const std::optional<queue::Task> task = known_task(service, request, reply);
  if (!task) return;
  std::make_shared<Watcher>(service, task->id, std::max(0, attempt), std::max<int64_t>(0, after))
      ->start(reply);
}

}  // namespace

void add_event_route(http::Router& router, Service& service) {
  router.add(
      {.method = "GET",
       .path = "/v1/tasks/{task_id}/events",
       .handler = handler_of(service, send_events),
       .needs_key = true,
       .doc = {.id = "task_events",
               .summary = "Progress and transcript of a task as server-sent events",
               .description = "Events: state, progress, segment, restart, and at the end done, or "
                              "removed where the task was removed meanwhile. Last-Event-ID "
                              "continues behind a segment.",
               .tag = doc::kTagTasks,
               .parameters = {doc::in_path("task_id", "Id of the task", doc::uuid()),
                              doc::in_header("Last-Event-ID", "Number of a segment")},
               .answers = {doc::answer(200, "The stream", doc::text(), "text/event-stream"),
                           doc::error(404, "No such task"),
                           doc::error(503, "The store does not answer")}}});
}

}  // namespace maie::server
