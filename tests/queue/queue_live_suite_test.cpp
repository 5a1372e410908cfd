// The promises of src/queue/task_queue.h about what is live, about workers and about changes.
#include <thread>

#include "tests/queue/queue_suite.h"

namespace maie::queue {
namespace {

using namespace std::chrono_literals;
using Ids = std::vector<std::string>;

std::vector<std::string> data_of(const std::vector<LiveEvent>& events) {
  std::vector<std::string> out;
  for (const LiveEvent& event : events)
    out.push_back(std::to_string(event.number) + ":" + event.data);
  return out;
}

TEST_P(QueueSuite, ProgressIsWhatWasReportedLast) {
  submit_id("a");
  const Lease lease = claim().lease;
  EXPECT_FALSE(queue->progress("a")->has_value());
  ASSERT_TRUE(queue->report(lease, {"asr", 0.25, 12.5}).ok());
  ASSERT_TRUE(queue->report(lease, {"asr", 0.5, std::nullopt}).ok());
  const std::optional<LiveProgress> progress = *queue->progress("a");
  ASSERT_TRUE(progress.has_value());
  EXPECT_EQ(progress->stage, "asr");
  EXPECT_EQ(progress->fraction, 0.5);
  EXPECT_FALSE(progress->seconds_left.has_value());
}

TEST_P(QueueSuite, EventsAreNumberedPerAttempt) {
  submit_id("a");
  const Lease lease = claim().lease;
  for (const char* data : {"one", "two", "three"})
    ASSERT_TRUE(queue->append_event(lease, data).ok());
  EXPECT_EQ(data_of(*queue->events("a", 0, 10)), (Ids{"1:one", "2:two", "3:three"}));
  EXPECT_EQ(data_of(*queue->events("a", 1, 1)), (Ids{"2:two"}));
  EXPECT_EQ(queue->events("a", 0, 1)->front().attempt, 1);
  engine->clock.pass(30'000);
  ASSERT_TRUE(queue->maintain().has_value());
  const Lease second = claim().lease;
  EXPECT_TRUE(queue->events("a", 0, 10)->empty());
  ASSERT_TRUE(queue->append_event(second, "anew").ok());
  EXPECT_EQ(data_of(*queue->events("a", 0, 10)), (Ids{"1:anew"}));
  EXPECT_EQ(queue->events("a", 0, 1)->front().attempt, 2);
}

TEST_P(QueueSuite, EventsStartAnewAfterARelease) {
  submit_id("a");
  const Lease first = claim().lease;
  ASSERT_TRUE(queue->append_event(first, "old").ok());
  ASSERT_TRUE(queue->release(first).ok());
  const Lease second = claim().lease;
  EXPECT_TRUE(queue->events("a", 0, 10)->empty());
  ASSERT_TRUE(queue->append_event(second, "new").ok());
  EXPECT_EQ(data_of(*queue->events("a", 0, 10)), (Ids{"1:new"}));
}

TEST_P(QueueSuite, LateWatchersSeeTheEndForAWhile) {
  submit_id("a");
  const Lease lease = claim().lease;
  ASSERT_TRUE(queue->append_event(lease, "last").ok());
  ASSERT_TRUE(queue->report(lease, {"llm", 1, std::nullopt}).ok());
  ASSERT_TRUE(queue->succeed(lease, "r").ok());
  ASSERT_TRUE(queue->maintain().has_value());
  engine->clock.pass(59'000);
  ASSERT_TRUE(queue->maintain().has_value());
  EXPECT_EQ(queue->events("a", 0, 10)->size(), 1u);
  engine->clock.pass(2'000);
  ASSERT_TRUE(queue->maintain().has_value());
  EXPECT_TRUE(queue->events("a", 0, 10)->empty());
  EXPECT_FALSE(queue->progress("a")->has_value());
}

TEST_P(QueueSuite, WhatIsLiveGoesWithTheTask) {
  submit_id("a");
  const Lease lease = claim().lease;
  ASSERT_TRUE(queue->append_event(lease, "e").ok());
  ASSERT_TRUE(queue->succeed(lease, "r").ok());
  EXPECT_EQ(*queue->remove("a"), Removal::kRemoved);
  EXPECT_TRUE(queue->events("a", 0, 10)->empty());
}

TEST_P(QueueSuite, WorkersCountWhileTheyAnnounceThemselves) {
  const WallMs start = engine->clock.wall_ms();
  ASSERT_TRUE(queue->announce({"w1", "{}", start, 0}).ok());
  ASSERT_TRUE(queue->announce({"w2", "{\"busy\":1}", start, 0}).ok());
  engine->clock.pass(10'000);
  ASSERT_TRUE(queue->announce({"w2", "{\"busy\":2}", start, 0}).ok());
  EXPECT_EQ(queue->workers(10'001ms)->size(), 2u);
  std::vector<WorkerRecord> alive = *queue->workers(10s);
  ASSERT_EQ(alive.size(), 1u);
  EXPECT_EQ(alive[0].id, "w2");
  EXPECT_EQ(alive[0].status, "{\"busy\":2}");
  EXPECT_EQ(alive[0].started, start);
  EXPECT_EQ(alive[0].seen, engine->clock.wall_ms());
  ASSERT_TRUE(queue->leave("w2").ok());
  EXPECT_TRUE(queue->workers(10s)->empty());
}

TEST_P(QueueSuite, EveryChangeOfATaskShowsInOrder) {
  submit_id("a");
  submit_id("b");
  const ChangeCursor start = *queue->cursor();
  EXPECT_EQ(start.tasks, find("b").change);
  const Lease lease = claim().lease;
  ASSERT_TRUE(queue->set_stage(lease, "asr").ok());
  (void)queue->cancel("b");
  ASSERT_TRUE(queue->succeed(lease, "r").ok());
  const std::vector<Task> changed = *queue->changed_tasks(start.tasks, 10);
  ASSERT_EQ(changed.size(), 2u);
  EXPECT_EQ(changed[0].id, "b");
  EXPECT_EQ(changed[1].id, "a");
  EXPECT_LT(changed[0].change, changed[1].change);
  EXPECT_EQ(changed[1].change, queue->cursor()->tasks);
  EXPECT_EQ(queue->changed_tasks(start.tasks, 1)->size(), 1u);
  const int64_t before = queue->cursor()->tasks;
  EXPECT_EQ(*queue->remove("a"), Removal::kRemoved);
  EXPECT_GE(queue->cursor()->tasks, before) << "the cursor only grows";
}

TEST_P(QueueSuite, LiveTasksAreThoseWithNews) {
  submit_id("a");
  submit_id("b");
  const Lease a = claim().lease, b = claim().lease;
  const int64_t start = queue->cursor()->live;
  EXPECT_TRUE(queue->live_tasks(start)->empty());
  ASSERT_TRUE(queue->report(b, {"asr", 0.1, 3}).ok());
  const int64_t middle = queue->cursor()->live;
  EXPECT_GT(middle, start);
  ASSERT_TRUE(queue->append_event(a, "e").ok());
  EXPECT_EQ(*queue->live_tasks(start), (Ids{"b", "a"}));
  EXPECT_EQ(*queue->live_tasks(middle), Ids{"a"});
}

TEST_P(QueueSuite, AWaiterSeesWhatAnotherClientDoes) {
  const std::unique_ptr<TaskQueue> other = engine->open();
  submit_id("a");
  const Lease lease = claim().lease;
  const CancelToken never;
  ChangeCursor seen = *queue->cursor();
  std::thread first([&] {
    std::this_thread::sleep_for(30ms);
    EXPECT_TRUE(other->submit({.id = "b"}, {}).has_value());
  });
  ChangeCursor now = *queue->wait_for_change(seen, 10s, never);
  first.join();
  EXPECT_GT(now.tasks, seen.tasks);
  EXPECT_EQ(now.live, seen.live);
  seen = now;
  std::thread second([&] {
    std::this_thread::sleep_for(30ms);
    EXPECT_TRUE(other->append_event(lease, "e").ok());
  });
  now = *queue->wait_for_change(seen, 10s, never);
  second.join();
  EXPECT_GT(now.live, seen.live);
}

TEST_P(QueueSuite, AWaiterStopsInTime) {
  CancelToken stop;
  const ChangeCursor seen = *queue->cursor();
  EXPECT_EQ(*queue->wait_for_change(seen, 30ms, stop), seen);
  const auto start = std::chrono::steady_clock::now();
  std::thread stopper([&] {
    std::this_thread::sleep_for(20ms);
    stop.cancel();
  });
  EXPECT_EQ(*queue->wait_for_change(seen, 60s, stop), seen);
  stopper.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  submit_id("a");
  EXPECT_NE(*queue->wait_for_change(seen, 60s, {}), seen) << "a change from before is seen at once";
}

TEST_P(QueueSuite, ManyThreadsTakeEachTaskOnce) {
  constexpr int kTasks = 200, kThreads = 8;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = t; i < kTasks; i += kThreads)
        EXPECT_TRUE(queue->submit({.id = std::to_string(i)}, {}).has_value());
    });
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  std::atomic<int> done{0};
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      while (true) {
        const auto claimed = queue->claim({.worker = std::to_string(t)});
        ASSERT_TRUE(claimed.has_value());
        if (!claimed->has_value()) return;
        EXPECT_EQ((*claimed)->task.attempts, 1);
        EXPECT_TRUE(queue->succeed((*claimed)->lease, (*claimed)->task.id).ok());
        ++done;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, kTasks);
  for (int i = 0; i < kTasks; ++i)
    EXPECT_EQ(queue->result(std::to_string(i))->value_or(""), std::to_string(i));
}

TEST_P(QueueSuite, Answers) {
  EXPECT_TRUE(queue->ping().ok());
  EXPECT_FALSE(queue->engine().empty());
}

}  // namespace
}  // namespace maie::queue
