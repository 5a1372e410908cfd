#include "server/event_hub.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "base/log.h"

namespace maie::server {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kLongestWait = 500ms;  // between looks at timers and the end
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
  CancelToken stop;
  std::mutex mutex;
  std::multimap<std::string, std::shared_ptr<TaskSubscriber>, std::less<>> by_task;
  std::vector<std::string> begun;  // watched since the last round: to be told once
  std::list<std::shared_ptr<AllSubscriber>> all;
  std::list<Timer> timers;
  queue::ChangeCursor told;
  std::thread thread;

  void run() {
    while (!stop.is_cancelled()) {
      call_timers();
      const Result<queue::ChangeCursor> now = queue.wait_for_change(told, wait(), stop);
      if (stop.is_cancelled()) return;
      if (!now.has_value()) {
        log_warning("the changes of tasks cannot be followed: " + now.error().message());
        std::this_thread::sleep_for(kLongestWait);
        continue;
      }
      tell(*now);
    }
  }

  // Watches that have just begun are told soon, timers are called in time.
  std::chrono::milliseconds wait() {
    const std::lock_guard lock(mutex);
    if (!begun.empty()) return 0ms;
    auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(kLongestWait);
    for (const Timer& timer : timers) {
      wait =
          std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(timer.next - Clock::now()));
    }
    // New watches do not interrupt the wait: nobody notices twenty milliseconds.
    return std::clamp<std::chrono::milliseconds>(wait, 0ms, by_task.empty() ? kLongestWait : 20ms);
  }

  void tell(const queue::ChangeCursor& now) {
    std::set<std::string> changed;
    {
      const std::lock_guard lock(mutex);
      changed.insert(begun.begin(), begun.end());
      begun.clear();
    }
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
        if (timer.next > Clock::now()) continue;
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
  state_->stop.cancel();
  state_->thread.join();
}

std::unique_ptr<EventHub::Watch> EventHub::watch(const std::string& task_id, Callback callback) {
  auto subscriber = std::make_shared<TaskSubscriber>();
  subscriber->callback = std::move(callback);
  {
    const std::lock_guard lock(state_->mutex);
    state_->by_task.emplace(task_id, subscriber);
    state_->begun.push_back(task_id);
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

std::unique_ptr<EventHub::Watch> EventHub::watch_all(
    std::function<void(const queue::Task&)> callback) {
  auto subscriber = std::make_shared<AllSubscriber>();
  subscriber->callback = std::move(callback);
  {
    const std::lock_guard lock(state_->mutex);
    state_->all.push_back(subscriber);
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
