#include "server/event_hub.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "queue/sqlite_queue.h"
#include "server/upload.h"
#include "tests/server/scripted_queue.h"
#include "tests/support/temporary_folder.h"

namespace maie::server {
namespace {

using namespace std::chrono_literals;

// A number that a test waits for.
class Count {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++value_;
    changed_.notify_all();
  }
  int now() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  bool reaches(int value) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return value_ >= value; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  int value_ = 0;
};

// Counts how often it is looked at.
class CountingQueue final : public ScriptedQueue {
 public:
  Result<queue::ChangeCursor> cursor() override {
    ++looks;
    if (is_down) return unavailable("no answer");
    const std::lock_guard lock(mutex);
    return now;
  }
  Result<std::vector<queue::Task>> changed_tasks(int64_t after, int limit) override {
    const std::lock_guard lock(mutex);
    std::vector<queue::Task> out;
    for (const queue::Task& task : changed) {
      if (task.change > after && int(out.size()) < limit) out.push_back(task);
    }
    return out;
  }
  void change_task(const std::string& id) {
    const std::lock_guard lock(mutex);
    queue::Task task;
    task.id = id;
    task.change = ++now.tasks;
    changed.push_back(task);
  }

  std::atomic<int> looks{0};
  std::atomic<bool> is_down{false};

 private:
  std::mutex mutex;
  queue::ChangeCursor now;
  std::vector<queue::Task> changed;
};

TEST(EventHub, WithoutSubscribersLooksAtNothing) {
  CountingQueue queue;
  const EventHub hub(queue);
  const int at_start = queue.looks;
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(queue.looks, at_start);
}

TEST(EventHub, LooksSeldomWhileNoTaskIsWatched) {
  CountingQueue queue;
  EventHub hub(queue);
  const auto all = hub.watch_all([](const queue::Task&) {});
  std::this_thread::sleep_for(500ms);
  EXPECT_LE(queue.looks, 3);
}

TEST(EventHub, LooksLessOftenWhileNothingChanges) {
  CountingQueue queue;
  EventHub hub(queue);
  const auto watch = hub.watch("task", [] {});
  std::this_thread::sleep_for(800ms);
  EXPECT_LE(queue.looks, 12);  // at 20 ms each it would be forty
}

TEST(EventHub, AWatchIsServedAtOnceAlsoWhereTheQueueIsDown) {
  CountingQueue queue;
  queue.is_down = true;
  EventHub hub(queue);
  Count told;
  const auto watch = hub.watch("task", [&] { told.add(); });
  EXPECT_TRUE(told.reaches(1));
}

TEST(EventHub, FollowsAQueueThatComesBack) {
  CountingQueue queue;
  EventHub hub(queue);
  Count told;
  const auto watch = hub.watch("task", [&] { told.add(); });
  ASSERT_TRUE(told.reaches(1));
  queue.is_down = true;
  queue.change_task("task");
  const int looks = queue.looks;
  while (queue.looks < looks + 2) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(told.now(), 1);
  queue.is_down = false;
  EXPECT_TRUE(told.reaches(2));
}

TEST(EventHub, TellsWatchersOfTheirTaskAlone) {
  CountingQueue queue;
  EventHub hub(queue);
  Count mine, also_mine, other;
  const auto first = hub.watch("a", [&] { mine.add(); });
  const auto second = hub.watch("a", [&] { also_mine.add(); });
  const auto third = hub.watch("b", [&] { other.add(); });
  ASSERT_TRUE(other.reaches(1) && mine.reaches(1) && also_mine.reaches(1));
  const int others = other.now(), before = mine.now();
  queue.change_task("a");
  EXPECT_TRUE(mine.reaches(before + 1));
  EXPECT_TRUE(also_mine.reaches(before + 1));
  queue.change_task("c");
  const int looks = queue.looks;
  while (queue.looks < looks + 2) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(other.now(), others);
}

TEST(EventHub, TellsAllTasksToWhoAsks) {
  CountingQueue queue;
  EventHub hub(queue);
  Count told;
  std::vector<std::string> ids;  // of the hub's thread until `told` says so
  const auto all = hub.watch_all([&](const queue::Task& task) {
    ids.push_back(task.id);
    told.add();
  });
  std::vector<std::string> expected;
  for (int i = 0; i < 5; ++i) {
    expected.push_back("task-" + std::to_string(i));
    queue.change_task(expected.back());
  }
  ASSERT_TRUE(told.reaches(5));
  EXPECT_EQ(ids, expected);
}

TEST(EventHub, TellsWhatItIsTold) {
  CountingQueue queue;
  EventHub hub(queue);
  Count told;
  const auto watch = hub.watch("task", [&] { told.add(); });
  ASSERT_TRUE(told.reaches(1));
  hub.tell("other");
  hub.tell("task");
  EXPECT_TRUE(told.reaches(2));
}

TEST(EventHub, AWatchThatEndedIsNotCalled) {
  CountingQueue queue;
  EventHub hub(queue);
  Count ended, other;
  auto watch = hub.watch("task", [&] { ended.add(); });
  const auto stays = hub.watch("task", [&] { other.add(); });
  ASSERT_TRUE(ended.reaches(1) && other.reaches(1));
  watch.reset();
  const int calls = ended.now(), others = other.now();
  queue.change_task("task");
  ASSERT_TRUE(other.reaches(others + 1));
  EXPECT_EQ(ended.now(), calls);
}

TEST(EventHub, ACallbackMayEndItsOwnWatch) {
  CountingQueue queue;
  EventHub hub(queue);
  Count told, also;
  std::mutex mutex;
  std::unique_ptr<EventHub::Watch> watch;
  {
    const std::lock_guard lock(mutex);  // the callback finds the watch only when it is there
    watch = hub.watch("task", [&] {
      const std::lock_guard lock(mutex);
      watch.reset();
      told.add();
    });
  }
  ASSERT_TRUE(told.reaches(1));
  const auto stays = hub.watch("task", [&] { also.add(); });
  ASSERT_TRUE(also.reaches(1));
  queue.change_task("task");
  ASSERT_TRUE(also.reaches(2));
  EXPECT_EQ(told.now(), 1);
}

TEST(EventHub, TimersGoOnUntilTheyEnd) {
  CountingQueue queue;
  EventHub hub(queue);
  Count ticks, others;
  auto timer = hub.every(0.1, [&] { ticks.add(); });
  const auto stays = hub.every(0.1, [&] { others.add(); });
  ASSERT_TRUE(ticks.reaches(3));
  timer.reset();
  const int calls = ticks.now();
  ASSERT_TRUE(others.reaches(others.now() + 2));
  EXPECT_EQ(ticks.now(), calls);
  EXPECT_LE(queue.looks, 1);  // a timer alone is no reason to ask the queue
}

// What another process writes, here another connection.
TEST(EventHub, SeesTheProgressOfAnotherConnection) {
  const TemporaryFolder folder;
  const auto mine = queue::open_sqlite_queue({.folder = folder.path()}).value();
  const auto workers = queue::open_sqlite_queue({.folder = folder.path()}).value();
  const std::string id = new_task_id();
  EventHub hub(*mine);
  Count told, ended;
  ASSERT_TRUE(mine->submit({.id = id, .kind = "text"}, {}).has_value());
  const auto watch = hub.watch(id, [&] { told.add(); });
  const auto all = hub.watch_all([&](const queue::Task& task) {
    if (queue::is_final(task.state)) ended.add();
  });
  ASSERT_TRUE(told.reaches(1));
  const auto leased = workers->claim({.worker = "w"}).value();
  ASSERT_TRUE(leased);
  for (int step = 1; step <= 3; ++step) {
    const int before = told.now();
    ASSERT_TRUE(workers->report(leased->lease, {"transcribe", 0.2 * step}).ok());
    // The claim may be told late; what counts is that the progress is there when told.
    ASSERT_TRUE(told.reaches(before + 1));
    EXPECT_GT(mine->progress(id).value()->fraction, 0.19 * step);
  }
  ASSERT_TRUE(workers->succeed(leased->lease, "result").ok());
  EXPECT_TRUE(ended.reaches(1));
}

}  // namespace
}  // namespace maie::server
