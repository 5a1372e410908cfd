#include "server/event_hub.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "base/log.h"

namespace maie::server {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// Between looks at the queue. While things change, one follows the other quickly, so that text
// streams as it is written; while nothing does, a watched task still shows its progress within a
// quarter of a second. Without a watched task only the ends of tasks are counted.
constexpr auto kQuickest = 20ms, kSlowest = 160ms, kUnwatched = 1000ms;
constexpr auto kTogether = 50ms;  // timers that are due within it are called at once
constexpr int kTasksAtOnce = 1000;

// Called by the hub's thread, ended by anyone: whoever ends it waits for a call that runs.
template <class... Arguments>
struct Subscriber {
  std::recursive_mutex running;
  bool ended = false;
  std::function<void(Arguments...)> callback;

  void call(Arguments... arguments) {
    const std::lock_guard lock(running);
    if (!ended) callback(arguments...);
  }
  void end() {
    const std::lock_guard lock(running);
    ended = true;
  }
};

using TaskSubscriber = Subscriber<>;
using AllSubscriber = Subscriber<const queue::Task&>;

struct Timer {
  std::shared_ptr<TaskSubscriber> subscriber;
  Clock::duration period;
  Clock::time_point next;
};

}  // namespace

struct EventHub::State {
  explicit State(queue::TaskQueue& given) : queue(given) {}

  queue::TaskQueue& queue;
  std::mutex mutex;  // guards what follows, up to the thread; never held while a callback runs
  std::condition_variable ring;
  bool rung = false, stop = false;
  std::multimap<std::string, std::shared_ptr<TaskSubscriber>, std::less<>> by_task;
  std::vector<std::string> begun;  // watched since the last round, or told of: called once
  std::list<std::shared_ptr<AllSubscriber>> all;
  std::list<Timer> timers;
  Clock::time_point next_look;
  // Of the hub's thread alone.
  queue::ChangeCursor told;
  Clock::duration pace = kQuickest;
  bool is_down = false;
  std::thread thread;

  void run() {
    while (wait()) {
      call_timers();
      tell_begun();
      if (is_time_to_look()) look();
    }
  }

  // Sleeps until there is something to do, for ever when nobody wants to know anything. False: the
  // hub ends.
  bool wait() {
    std::unique_lock lock(mutex);
    while (!stop && !rung && begun.empty()) {
      std::optional<Clock::time_point> until;
      if (!by_task.empty() || !all.empty()) until = next_look;
      for (const Timer& timer : timers) until = std::min(until.value_or(timer.next), timer.next);
      if (until && *until <= Clock::now()) break;
      if (until) {
        ring.wait_until(lock, *until);
      } else {
        ring.wait(lock);
      }
    }
    rung = false;
    return !stop;
  }

  // With `mutex` held, after somebody joined.
  void wake() {
    rung = true;
    ring.notify_one();
  }

  bool is_time_to_look() {
    const std::lock_guard lock(mutex);
    return (!by_task.empty() || !all.empty()) && next_look <= Clock::now();
  }

  void tell_begun() {
    std::vector<std::string> ids;
    {
      const std::lock_guard lock(mutex);
      ids.swap(begun);
    }
    const std::set<std::string> once(ids.begin(), ids.end());
    for (const std::string& id : once) tell_watchers(id);
  }

  void look() {
    const Result<queue::ChangeCursor> now = queue.cursor();
    if (now.has_value()) {
      pace = *now == told ? std::min<Clock::duration>(2 * pace, kSlowest) : kQuickest;
      tell(*now);
    } else {
      pace = kSlowest;
      if (!is_down)
        log_warning("the changes of tasks cannot be followed: " + now.error().message());
    }
    is_down = !now.has_value();
    const std::lock_guard lock(mutex);
    next_look = Clock::now() + (by_task.empty() ? Clock::duration(kUnwatched) : pace);
  }

  void tell(const queue::ChangeCursor& now) {
    std::set<std::string> changed;
    bool all_told = true;  // else the next round asks again from the same place
    while (told.tasks < now.tasks) {
      const Result<std::vector<queue::Task>> tasks = queue.changed_tasks(told.tasks, kTasksAtOnce);
      all_told = tasks.has_value();
      if (!all_told || tasks->empty()) break;
      for (const queue::Task& task : *tasks) {
        changed.insert(task.id);
        tell_all(task);
        told.tasks = std::max(told.tasks, task.change);
      }
    }
    // What was removed shows no more, so the last change seen may lie before `now`.
    if (all_told) told.tasks = std::max(told.tasks, now.tasks);
    if (told.live < now.live) {
      if (const auto live = queue.live_tasks(told.live); live.has_value()) {
        changed.insert(live->begin(), live->end());
        told.live = now.live;
      }
    }
    for (const std::string& id : changed) tell_watchers(id);
  }

  void tell_all(const queue::Task& task) {
    std::vector<std::shared_ptr<AllSubscriber>> subscribers;
    {
      const std::lock_guard lock(mutex);
      subscribers.assign(all.begin(), all.end());
    }
    for (const auto& subscriber : subscribers) subscriber->call(task);
  }

  void tell_watchers(const std::string& id) {
    std::vector<std::shared_ptr<TaskSubscriber>> subscribers;
    {
      const std::lock_guard lock(mutex);
      const auto [first, last] = by_task.equal_range(id);
      for (auto it = first; it != last; ++it) subscribers.push_back(it->second);
    }
    for (const auto& subscriber : subscribers) subscriber->call();
  }

  void call_timers() {
    std::vector<std::shared_ptr<TaskSubscriber>> due;
    {
      const std::lock_guard lock(mutex);
      for (Timer& timer : timers) {
        if (timer.next > Clock::now() + kTogether) continue;
        timer.next = Clock::now() + timer.period;
        due.push_back(timer.subscriber);
      }
    }
    for (const auto& subscriber : due) subscriber->call();
  }
};

namespace {

// Takes its subscriber out of the hub when it goes.
class WatchHandle final : public EventHub::Watch {
 public:
  WatchHandle(std::function<void()> end, std::function<void()> leave)
      : end_(std::move(end)), leave_(std::move(leave)) {}
  ~WatchHandle() override {
    leave_();
    end_();
  }

 private:
  std::function<void()> end_, leave_;
};

}  // namespace

EventHub::EventHub(queue::TaskQueue& queue) : state_(std::make_unique<State>(queue)) {
  if (const auto now = queue.cursor(); now.has_value()) state_->told = *now;
  state_->thread = std::thread([this] { state_->run(); });
}

EventHub::~EventHub() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
    state_->ring.notify_one();
  }
  state_->thread.join();
}

std::unique_ptr<EventHub::Watch> EventHub::watch(const std::string& task_id, Callback callback) {
  auto subscriber = std::make_shared<TaskSubscriber>();
  subscriber->callback = std::move(callback);
  {
    const std::lock_guard lock(state_->mutex);
    state_->by_task.emplace(task_id, subscriber);
    state_->begun.push_back(task_id);
    // What changes from now on is to be seen at the pace of watched tasks.
    state_->next_look = std::min(state_->next_look, Clock::now() + kSlowest);
    state_->wake();
  }
  return std::make_unique<WatchHandle>([subscriber] { subscriber->end(); },
                                       [state = state_.get(), task_id, subscriber] {
                                         const std::lock_guard lock(state->mutex);
                                         const auto [first, last] =
                                             state->by_task.equal_range(task_id);
                                         for (auto it = first; it != last; ++it) {
                                           if (it->second != subscriber) continue;
                                           state->by_task.erase(it);
                                           return;
                                         }
                                       });
}

void EventHub::tell(const std::string& task_id) {
  const std::lock_guard lock(state_->mutex);
  if (state_->by_task.find(task_id) == state_->by_task.end()) return;
  state_->begun.push_back(task_id);
  state_->wake();
}

std::unique_ptr<EventHub::Watch> EventHub::watch_all(
    std::function<void(const queue::Task&)> callback) {
  auto subscriber = std::make_shared<AllSubscriber>();
  subscriber->callback = std::move(callback);
  {
    const std::lock_guard lock(state_->mutex);
    state_->all.push_back(subscriber);
    state_->wake();
  }
  return std::make_unique<WatchHandle>([subscriber] { subscriber->end(); },
                                       [state = state_.get(), subscriber] {
                                         const std::lock_guard lock(state->mutex);
                                         state->all.remove(subscriber);
                                       });
}

std::unique_ptr<EventHub::Watch> EventHub::every(double period_s, Callback callback) {
  auto subscriber = std::make_shared<TaskSubscriber>();
  subscriber->callback = std::move(callback);
  const auto period =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(period_s));
  {
    const std::lock_guard lock(state_->mutex);
    state_->timers.push_back({subscriber, period, Clock::now() + period});
    state_->wake();
  }
  return std::make_unique<WatchHandle>([subscriber] { subscriber->end(); },
                                       [state = state_.get(), subscriber] {
                                         const std::lock_guard lock(state->mutex);
                                         state->timers.remove_if([&subscriber](const Timer& timer) {
                                           return timer.subscriber == subscriber;
                                         });
                                       });
}

}  // namespace maie::server
