#include "server/open_requests.h"

#include <algorithm>
#include <atomic>

#include "base/log.h"
#include "server/task_failure.h"
#include "server/upload.h"

namespace maie::server {
namespace {

constexpr int kEventsAtOnce = 256;
// Between looks at all tasks that are waited for: of one that somebody removed nothing is told.
constexpr double kLookAgain_s = 5;

ApiError internal_failure(const std::string& message) {
  return {.status = 500,
          .code = "PROCESSING_ERROR",
          .message = message,
          .openai_code = "internal",
          .should_retry = false};
}

bool is_interactive(queue::TaskQueue& queue, const std::string& task_id) {
  const auto task = queue.find(task_id);
  return task.has_value() && *task && (*task)->lane == queue::Lane::kInteractive;
}

}  // namespace

// All but `client_left` runs in the thread of the event hub.
class OpenRequests::Follower : public std::enable_shared_from_this<Follower> {
 public:
  Follower(OpenRequests& owner, std::string task_id, std::unique_ptr<TaskAnswer> answer)
      : owner_(owner), task_id_(std::move(task_id)), answer_(std::move(answer)) {}

  const std::string& task_id() const { return task_id_; }
  bool has_client() const { return !client_left_; }

  void begin(const http::ReplyPtr& reply) {
    const std::weak_ptr<Follower> self = weak_from_this();
    reply->on_disconnect([self] {
      if (const auto follower = self.lock()) {
        follower->client_left_ = true;
        follower->owner_.client_left(follower);
      }
    });
    EventHub& events = owner_.service_.events;
    if (answer_->wants_events()) {
      const double keep_alive_s = owner_.service_.settings.server.event_keep_alive_s;
      silence_ = events.every(std::max(0.1, keep_alive_s / 3), [self] {
        const auto follower = self.lock();
        if (follower && follower->has_client() && !follower->done_) follower->answer_->on_silence();
      });
    }
    watch_ = events.watch(task_id_, [self] {
      if (const auto follower = self.lock()) follower->advance();
    });
  }

  /// No callback runs any more when it returns.
  void stop() {
    watch_.reset();
    silence_.reset();
  }

  void advance() {
    if (done_) return;
    const Result<std::optional<queue::Task>> task = owner_.service_.queue.find(task_id_);
    if (!task.has_value()) {
      log_warning("a waiting request: " + task.error().message());
      return;  // the next change asks again
    }
    if (!*task) {
      fail(task_is_gone());
    } else {
      // In this order: what a task said before its end is there when its end is seen.
      if (answer_->wants_events() && has_client()) read_events((*task)->attempts);
      if (!queue::is_final((*task)->state)) return;
      finish(**task);
    }
    done_ = true;
    owner_.ended(shared_from_this());
  }

 private:
  void read_events(int attempts) {
    if (attempts != attempt_) begin_attempt(attempts);
    while (true) {
      const auto events = owner_.service_.queue.events(task_id_, after_, kEventsAtOnce);
      if (!events.has_value() || events->empty()) return;
      for (const queue::LiveEvent& event : *events) {
        if (event.attempt != attempt_) {  // began meanwhile: from its first event
          begin_attempt(event.attempt);
          if (event.number != 1) break;
        }
        after_ = event.number;
        if (const Result<jobs::Event> what = jobs::event_of(event.data); what.has_value()) {
          answer_->on_event(*what);
        }
      }
    }
  }

  void begin_attempt(int attempt) {
    if (after_ > 0) answer_->on_restart();
    attempt_ = attempt;
    after_ = 0;
  }

  void finish(const queue::Task& task) {
    if (task.state != queue::TaskState::kSucceeded) return fail(api_error_of(task));
    const auto bytes = owner_.service_.queue.result(task_id_);
    if (!bytes.has_value()) return fail(server::api_error_of(bytes.error()));
    if (!*bytes) return fail(internal_failure("the result is not there any more"));
    const Result<jobs::StoredResult> result = jobs::result_from_bytes(**bytes);
    if (!result.has_value()) return fail(internal_failure(result.error().message()));
    if (has_client()) answer_->on_result(*result);
  }

  void fail(const ApiError& error) {
    if (has_client()) answer_->on_error(error);
  }

  OpenRequests& owner_;
  const std::string task_id_;
  const std::unique_ptr<TaskAnswer> answer_;
  std::atomic<bool> client_left_{false};
  bool done_ = false;
  int attempt_ = 0;
  int64_t after_ = 0;
  std::unique_ptr<EventHub::Watch> watch_, silence_;  // last: they end first
};

OpenRequests::OpenRequests(Service& service) : service_(service) {
  clock_ = service.events.every(kLookAgain_s, [this] { look_at_all(); });
}

OpenRequests::~OpenRequests() {
  clock_.reset();
  for (const auto& follower : all_followers()) follower->stop();
}

std::vector<std::shared_ptr<OpenRequests::Follower>> OpenRequests::all_followers() {
  std::vector<std::shared_ptr<Follower>> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, follower] : followers_) all.push_back(follower);
  return all;
}

void OpenRequests::look_at_all() {
  for (const auto& follower : all_followers()) follower->advance();
}

void OpenRequests::follow(const std::string& task_id, const http::ReplyPtr& reply,
                          std::unique_ptr<TaskAnswer> answer) {
  const auto follower = std::make_shared<Follower>(*this, task_id, std::move(answer));
  {
    const std::lock_guard lock(mutex_);
    followers_.emplace(task_id, follower);
  }
  follower->begin(reply);
}

void OpenRequests::client_left(const std::shared_ptr<Follower>& follower) {
  {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = followers_.equal_range(follower->task_id());
    if (first == last) return;  // it has ended
    for (auto it = first; it != last; ++it) {
      if (it->second->has_client()) return;
    }
  }
  if (!is_interactive(service_.queue, follower->task_id())) return;
  const auto task = service_.queue.cancel(follower->task_id());
  if (!task.has_value()) log_warning("a request could not be stopped: " + task.error().message());
}

// The follower is forgotten last: until then the destructor waits for this callback.
void OpenRequests::ended(const std::shared_ptr<Follower>& follower) {
  if (is_last(follower)) clean_up(follower->task_id());
  const std::lock_guard lock(mutex_);
  auto [it, last] = followers_.equal_range(follower->task_id());
  while (it != last && it->second != follower) ++it;
  if (it != last) followers_.erase(it);
}

bool OpenRequests::is_last(const std::shared_ptr<Follower>& follower) {
  const std::lock_guard lock(mutex_);
  return followers_.count(follower->task_id()) == 1;
}

void OpenRequests::clean_up(const std::string& task_id) {
  const auto task = service_.queue.find(task_id);
  if (!task.has_value() || !*task || !queue::is_final((*task)->state)) return;
  if ((*task)->lane != queue::Lane::kInteractive) return;
  if (service_.task_ended) service_.task_ended(**task);
  remove_task_folder(service_.settings, task_id);
  const bool may_be_asked_again =
      (*task)->state == queue::TaskState::kSucceeded && (*task)->kind != "chat";
  if (may_be_asked_again) return;  // the queue removes it after its time
  if (const auto removal = service_.queue.remove(task_id); !removal.has_value()) {
    log_warning("a task that was answered could not be removed: " + removal.error().message());
  }
}

}  // namespace maie::server
