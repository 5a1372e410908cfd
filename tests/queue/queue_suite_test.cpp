// The promises of src/queue/task_queue.h about tasks, kept by every engine.
#include "tests/queue/queue_suite.h"

#include <algorithm>

namespace maie::queue {
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(QueueSuite);

using namespace std::chrono_literals;

std::string QueueSuite::submit(NewTask task) {
  const Result<Submitted> submitted = queue->submit(task, {});
  EXPECT_TRUE(submitted.has_value()) << submitted.status().message();
  if (submitted.has_value()) {
    EXPECT_EQ(submitted->outcome, SubmitOutcome::kCreated);
  }
  return task.id;
}

Task QueueSuite::find(const std::string& id) {
  const Result<std::optional<Task>> found = queue->find(id);
  EXPECT_TRUE(found.has_value()) << found.status().message();
  EXPECT_TRUE(found.has_value() && found->has_value()) << "no task " << id;
  return found.has_value() ? found->value_or(Task{}) : Task{};
}

LeasedTask QueueSuite::claim(const std::string& worker) {
  const auto claimed = queue->claim({.worker = worker});
  EXPECT_TRUE(claimed.has_value()) << claimed.status().message();
  EXPECT_TRUE(claimed.has_value() && claimed->has_value()) << "nothing was ready";
  return claimed.has_value() ? claimed->value_or(LeasedTask{}) : LeasedTask{};
}

bool QueueSuite::nothing_is_ready(Lane lane) {
  const auto claimed = queue->claim({.worker = "asks", .lane = lane});
  return claimed.has_value() && !claimed->has_value();
}

namespace {

std::vector<std::string> ids_of(const std::vector<Task>& tasks) {
  std::vector<std::string> ids;
  for (const Task& task : tasks) ids.push_back(task.id);
  return ids;
}

using Ids = std::vector<std::string>;

TEST_P(QueueSuite, KeepsWhatWasSubmitted) {
  const std::string bytes("\0\xff{\"a\":1}", 9);
  submit({.id = "a",
          .kind = "audio",
          .lane = Lane::kInteractive,
          .priority = 7,
          .payload = bytes,
          .max_attempts = 2,
          .owner = "phone",
          .request_id = "r-1",
          .traceparent = "00-aa-bb-01"});
  const Task task = find("a");
  EXPECT_EQ(task.id, "a");
  EXPECT_EQ(task.kind, "audio");
  EXPECT_EQ(task.lane, Lane::kInteractive);
  EXPECT_EQ(task.priority, 7);
  EXPECT_EQ(task.payload, bytes);
  EXPECT_EQ(task.max_attempts, 2);
  EXPECT_EQ(task.owner, "phone");
  EXPECT_EQ(task.request_id, "r-1");
  EXPECT_EQ(task.traceparent, "00-aa-bb-01");
  EXPECT_EQ(task.state, TaskState::kQueued);
  EXPECT_EQ(task.attempts, 0);
  EXPECT_EQ(task.created, engine->clock.wall_ms());
  EXPECT_FALSE(task.started || task.finished || task.not_before || task.expires);
  EXPECT_FALSE(queue->find("b")->has_value());
}

TEST_P(QueueSuite, RefusesAnIdTwiceAndATaskWithoutOne) {
  submit_id("a");
  EXPECT_EQ(queue->submit({.id = "a"}, {}).status().code(), Code::kInvalidInput);
  EXPECT_EQ(queue->submit({.id = ""}, {}).status().code(), Code::kInvalidInput);
  EXPECT_EQ(queue->submit({.id = "b", .max_attempts = 0}, {}).status().code(), Code::kInvalidInput);
}

TEST_P(QueueSuite, OutlivesItsClients) {
  submit({.id = "a", .payload = "bytes"});
  ASSERT_TRUE(queue->succeed(claim().lease, "done").ok());
  submit({.id = "b", .payload = "more"});
  queue.reset();
  queue = engine->open();
  EXPECT_EQ(find("a").state, TaskState::kSucceeded);
  EXPECT_EQ(queue->result("a")->value(), "done");
  EXPECT_EQ(find("b").payload, "more");
}

TEST_P(QueueSuite, OffersByPriorityThenArrival) {
  submit({.id = "a", .priority = 0});
  submit({.id = "b", .priority = 5});
  submit({.id = "c", .priority = -5});
  submit({.id = "d", .priority = 5});
  submit({.id = "e", .lane = Lane::kInteractive, .priority = 9});
  Ids order;
  for (int i = 0; i < 4; ++i) order.push_back(claim().task.id);
  EXPECT_EQ(order, (Ids{"b", "d", "a", "c"}));
  EXPECT_TRUE(nothing_is_ready());
  EXPECT_FALSE(nothing_is_ready(Lane::kInteractive));
}

TEST_P(QueueSuite, HoldsADelayedTaskBack) {
  submit({.id = "a", .delay_ms = 5000});
  submit({.id = "b"});
  EXPECT_EQ(*find("a").not_before, engine->clock.wall_ms() + 5000);
  EXPECT_EQ(queue->counts()->scheduled, 1);
  EXPECT_EQ(queue->counts()->queued, 1);
  EXPECT_EQ(*queue->depth(Lane::kBatch), 2);
  EXPECT_EQ(claim().task.id, "b");
  engine->clock.pass(4999);
  EXPECT_TRUE(nothing_is_ready());
  engine->clock.pass(1);
  EXPECT_EQ(queue->counts()->queued, 1);
  EXPECT_EQ(claim().task.id, "a");
}

TEST_P(QueueSuite, ADelayIsNotMovedByAWallClockThatJumps) {
  submit({.id = "a", .delay_ms = 60'000});
  engine->clock.jump(-3600'000);
  engine->clock.pass(59'999);
  ASSERT_TRUE(queue->maintain().has_value());
  EXPECT_TRUE(nothing_is_ready());
  engine->clock.pass(1);
  EXPECT_EQ(claim().task.id, "a");
}

TEST_P(QueueSuite, RefusesBeyondTheDepthOfTheLane) {
  submit_id("a");
  submit({.id = "b", .delay_ms = 1000});
  submit({.id = "other", .lane = Lane::kInteractive});
  const Result<Submitted> full = queue->submit({.id = "c"}, {.max_queued = 2});
  EXPECT_EQ(full->outcome, SubmitOutcome::kFull);
  EXPECT_EQ(full->task_id, "");
  EXPECT_FALSE(queue->find("c")->has_value());
  (void)claim();  // a running one does not wait
  EXPECT_EQ(queue->submit({.id = "c"}, {.max_queued = 2})->outcome, SubmitOutcome::kCreated);
}

TEST_P(QueueSuite, TheSameKeyBringsTheSameTask) {
  const auto with_key = [](const char* id, const char* owner, const char* hash) {
    return NewTask{.id = id, .idempotency_key = "key", .idempotency_hash = hash, .owner = owner};
  };
  submit(with_key("a", "me", "h1"));
  Result<Submitted> again = queue->submit(with_key("b", "me", "h1"), {.max_queued = 1});
  EXPECT_EQ(again->outcome, SubmitOutcome::kExisting);
  EXPECT_EQ(again->task_id, "a");
  again = queue->submit(with_key("b", "me", "h2"), {});
  EXPECT_EQ(again->outcome, SubmitOutcome::kConflict);
  EXPECT_EQ(again->task_id, "a");
  submit(with_key("b", "you", "h2"));
  engine->clock.pass(24 * 3600'000 - 1);
  EXPECT_EQ(queue->submit(with_key("c", "me", "h1"), {})->outcome, SubmitOutcome::kExisting);
  engine->clock.pass(1);
  submit(with_key("c", "me", "h3"));  // the key is free again, the task stays
  EXPECT_EQ(find("a").state, TaskState::kQueued);
  EXPECT_EQ(*queue->remove("c"), Removal::kRemoved);
  submit(with_key("d", "me", "h4"));
}

TEST_P(QueueSuite, ListsNewestFirstInPages) {
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    submit({.id = id,
            .kind = *id < 'c' ? "audio" : "text",
            .payload = "long",
            .owner = *id == 'd' ? "you" : "me"});
    engine->clock.pass(10);
  }
  TaskPage page = *queue->list({.limit = 2});
  EXPECT_EQ(ids_of(page.tasks), (Ids{"e", "d"}));
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.tasks[0].payload, "");
  page = *queue->list({.after_id = "d", .limit = 3});
  EXPECT_EQ(ids_of(page.tasks), (Ids{"c", "b", "a"}));
  EXPECT_FALSE(page.more);
  EXPECT_EQ(ids_of(queue->list({.kind = "text", .owner = "me"})->tasks), (Ids{"e", "c"}));
  EXPECT_EQ(ids_of(queue->list({.lane = Lane::kInteractive})->tasks), Ids{});
  const WallMs b = find("b").created, d = find("d").created;
  EXPECT_EQ(ids_of(queue->list({.created_after = b, .created_before = d})->tasks), Ids{"c"});
  EXPECT_EQ(queue->list({.after_id = "gone"}).status().code(), Code::kNotFound);
}

TEST_P(QueueSuite, ListsByState) {
  for (const char* id : {"a", "b", "c"}) submit_id(id);
  ASSERT_TRUE(queue->succeed(claim().lease, "").ok());
  (void)claim();
  EXPECT_EQ(ids_of(queue->list({.states = {TaskState::kRunning}})->tasks), Ids{"b"});
  EXPECT_EQ(ids_of(queue->list({.states = {TaskState::kQueued, TaskState::kSucceeded}})->tasks),
            (Ids{"c", "a"}));
}

TEST_P(QueueSuite, ALeaseGivesTheTaskToOneWorker) {
  submit({.id = "a", .payload = "bytes"});
  const LeasedTask leased = claim("w1");
  EXPECT_EQ(leased.task.state, TaskState::kRunning);
  EXPECT_EQ(leased.task.payload, "bytes");
  EXPECT_EQ(leased.task.worker, "w1");
  EXPECT_EQ(leased.task.attempts, 1);
  EXPECT_EQ(leased.task.started, engine->clock.wall_ms());
  EXPECT_EQ(leased.lease.task_id, "a");
  EXPECT_EQ(leased.lease.token.size(), 32u);
  EXPECT_TRUE(nothing_is_ready());
}

TEST_P(QueueSuite, TheResultComesWithTheState) {
  submit_id("a");
  const Lease lease = claim().lease;
  EXPECT_FALSE(queue->result("a")->has_value());
  ASSERT_TRUE(queue->set_stage(lease, "llm").ok());
  engine->clock.pass(1234);
  const std::string bytes("r\0s", 3);
  ASSERT_TRUE(queue->succeed(lease, bytes).ok());
  const Task task = find("a");
  EXPECT_EQ(task.state, TaskState::kSucceeded);
  EXPECT_EQ(task.stage, "llm");
  EXPECT_EQ(task.finished, engine->clock.wall_ms());
  EXPECT_EQ(queue->result("a")->value(), bytes);
  EXPECT_EQ(queue->succeed(lease, "other").code(), Code::kNotFound);
  EXPECT_EQ(queue->result("a")->value(), bytes);
}

TEST_P(QueueSuite, AnEmptyResultIsAResult) {
  submit_id("a");
  ASSERT_TRUE(queue->succeed(claim().lease, "").ok());
  EXPECT_EQ(queue->result("a")->value_or("none"), "");
}

TEST_P(QueueSuite, AWorkerWithoutLeaseChangesNothing) {
  submit_id("a");
  const Lease old = claim().lease;
  engine->clock.pass(30'000);
  EXPECT_EQ(queue->maintain()->offered_again, Ids{"a"});
  const Lease fresh = claim("w2").lease;
  EXPECT_NE(old.token, fresh.token);
  EXPECT_EQ(*queue->renew(old, 30s), LeaseState::kLost);
  for (const Status& status :
       {queue->set_stage(old, "asr"), queue->save_checkpoint(old, "n", "d"),
        queue->checkpoints(old).status(), queue->succeed(old, "r"),
        queue->fail(old, {.error = {"CODE", "text", "asr"}}), queue->confirm_cancel(old),
        queue->release(old), queue->report(old, {}), queue->append_event(old, "e")})
    EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_EQ(find("a").state, TaskState::kRunning);
  EXPECT_EQ(find("a").stage, "");
  EXPECT_TRUE(queue->succeed(fresh, "right").ok());
}

TEST_P(QueueSuite, ALeaseWithoutTokenIsNobodysAfterTheMachineWasStartedAnew) {
  submit_id("a");
  (void)claim();
  queue.reset();
  engine->clock.restart_machine(1000);
  queue = engine->open();
  EXPECT_EQ(*queue->renew({"a", ""}, 30s), LeaseState::kLost);
  EXPECT_EQ(queue->succeed({"a", ""}, "r").code(), Code::kNotFound);
  EXPECT_EQ(queue->maintain()->offered_again, Ids{"a"});
}

TEST_P(QueueSuite, ALeaseLivesAsLongAsItIsRenewed) {
  submit_id("a");
  const Lease lease = claim().lease;
  for (int i = 0; i < 5; ++i) {
    engine->clock.pass(29'999);
    EXPECT_EQ(queue->maintain()->leases_expired, 0);
    EXPECT_EQ(*queue->renew(lease, 30s), LeaseState::kHeld);
  }
  engine->clock.jump(86'400'000);
  EXPECT_EQ(queue->maintain()->leases_expired, 0) << "a wall clock that jumps ends no lease";
  engine->clock.pass(30'000);
  EXPECT_EQ(queue->maintain()->leases_expired, 1);
}

TEST_P(QueueSuite, FailsATaskWhoseWorkersAreLostTooOften) {
  submit({.id = "a", .max_attempts = 2, .result_ttl_ms = 1000});
  (void)claim("w1");
  engine->clock.pass(30'000);
  EXPECT_EQ(queue->maintain()->offered_again, Ids{"a"});
  EXPECT_EQ(find("a").error.code, "WORKER_LOST");
  ASSERT_TRUE(queue->set_stage(claim("w2").lease, "asr").ok());
  EXPECT_EQ(find("a").error.code, "");
  engine->clock.pass(30'000);
  const Maintenance done = *queue->maintain();
  EXPECT_EQ(done.failed, Ids{"a"});
  EXPECT_EQ(done.leases_expired, 1);
  const Task task = find("a");
  EXPECT_EQ(task.state, TaskState::kFailed);
  EXPECT_EQ(task.error.code, "WORKER_LOST");
  EXPECT_EQ(task.error.stage, "asr");
  EXPECT_NE(task.error.message.find("2 of 2"), std::string::npos) << task.error.message;
  EXPECT_EQ(task.worker, "w2");
  EXPECT_EQ(task.expires, engine->clock.wall_ms() + 1000);
  EXPECT_EQ(queue->counts()->dead, 1);
  EXPECT_EQ(queue->counts()->failed, 1);
}

TEST_P(QueueSuite, OffersAFailureAgainWhileAttemptsAreLeft) {
  submit({.id = "a", .max_attempts = 2});
  const Failure failure{
      .error = {"NETWORK_ERROR", "no answer", "llm"}, .try_again = true, .delay = 2s};
  ASSERT_TRUE(queue->fail(claim().lease, failure).ok());
  EXPECT_EQ(find("a").state, TaskState::kQueued);
  EXPECT_EQ(find("a").error.code, "NETWORK_ERROR");
  EXPECT_TRUE(nothing_is_ready());
  engine->clock.pass(2000);
  const LeasedTask second = claim();
  EXPECT_EQ(second.task.attempts, 2);
  ASSERT_TRUE(queue->fail(second.lease, failure).ok());
  EXPECT_EQ(find("a").state, TaskState::kFailed);
  EXPECT_EQ(find("a").error.message, "no answer");
  EXPECT_EQ(find("a").error.stage, "llm");
  EXPECT_EQ(queue->counts()->dead, 1);
}

TEST_P(QueueSuite, AFinalFailureIsNotOfferedAgain) {
  submit_id("a");
  ASSERT_TRUE(queue->fail(claim().lease, {.error = {"AUDIO_VALIDATION_ERROR", "x", ""}}).ok());
  EXPECT_EQ(find("a").state, TaskState::kFailed);
  EXPECT_EQ(queue->counts()->dead, 0);
  EXPECT_TRUE(nothing_is_ready());
}

TEST_P(QueueSuite, RetryStartsAnewWithTheCheckpoints) {
  submit({.id = "a", .max_attempts = 1, .result_ttl_ms = 1000});
  const Lease lease = claim().lease;
  ASSERT_TRUE(queue->save_checkpoint(lease, "asr", "text").ok());
  ASSERT_TRUE(queue->fail(lease, {.error = {"X", "y", ""}, .try_again = true}).ok());
  EXPECT_EQ(*queue->retry("a"), Retry::kQueued);
  EXPECT_EQ(*queue->retry("a"), Retry::kNotFailed);
  EXPECT_EQ(*queue->retry("b"), Retry::kNotFound);
  EXPECT_EQ(find("a").attempts, 0);
  EXPECT_FALSE(find("a").finished || find("a").expires);
  engine->clock.pass(5000);
  EXPECT_EQ(queue->maintain()->removed, Ids{});
  const LeasedTask again = claim();
  EXPECT_EQ(again.task.attempts, 1);
  EXPECT_EQ(*queue->checkpoints(again.lease),
            (std::map<std::string, std::string>{{"asr", "text"}}));
  ASSERT_TRUE(queue->succeed(again.lease, "r").ok());
  EXPECT_EQ(*queue->retry("a"), Retry::kNotFailed);
}

TEST_P(QueueSuite, ASecondAttemptFindsTheCheckpointsOfTheFirst) {
  submit_id("a");
  submit_id("b");
  const Lease lease = claim().lease;
  ASSERT_TRUE(queue->save_checkpoint(lease, "decode", "1").ok());
  ASSERT_TRUE(queue->save_checkpoint(lease, "asr", "2").ok());
  ASSERT_TRUE(queue->save_checkpoint(lease, "decode", std::string("3\0", 2)).ok());
  engine->clock.pass(30'000);
  ASSERT_TRUE(queue->maintain().has_value());
  const std::map<std::string, std::string> want{{"asr", "2"}, {"decode", std::string("3\0", 2)}};
  EXPECT_EQ(*queue->checkpoints(claim().lease), want);
  EXPECT_TRUE(queue->checkpoints(claim().lease)->empty()) << "those of another task";
}

TEST_P(QueueSuite, ReleaseDoesNotCount) {
  submit({.id = "a", .max_attempts = 1});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue->release(claim().lease).ok());
  const Task task = find("a");
  EXPECT_EQ(task.state, TaskState::kQueued);
  EXPECT_EQ(task.attempts, 0);
  EXPECT_FALSE(task.started.has_value());
  EXPECT_EQ(claim().task.attempts, 1);
}

TEST_P(QueueSuite, CancelsAQueuedTaskAtOnce) {
  submit({.id = "a", .payload = "bytes", .delay_ms = 1000, .result_ttl_ms = 1000});
  const std::optional<Task> task = *queue->cancel("a");
  EXPECT_EQ(task->state, TaskState::kCancelled);
  EXPECT_EQ(task->payload, "");
  EXPECT_EQ(task->finished, engine->clock.wall_ms());
  EXPECT_EQ(task->expires, engine->clock.wall_ms() + 1000);
  EXPECT_FALSE(task->not_before.has_value());
  EXPECT_TRUE(nothing_is_ready());
  EXPECT_FALSE(queue->cancel("b")->has_value());
  EXPECT_EQ(*queue->retry("a"), Retry::kQueued);
  EXPECT_FALSE(find("a").cancel_requested);
}

TEST_P(QueueSuite, AsksARunningTaskToStop) {
  submit_id("a");
  const Lease lease = claim().lease;
  EXPECT_EQ(queue->confirm_cancel(lease).code(), Code::kInvalidInput);
  EXPECT_EQ((*queue->cancel("a"))->state, TaskState::kRunning);
  EXPECT_TRUE(find("a").cancel_requested);
  EXPECT_EQ(*queue->renew(lease, 30s), LeaseState::kCancelRequested);
  ASSERT_TRUE(queue->confirm_cancel(lease).ok());
  EXPECT_EQ(find("a").state, TaskState::kCancelled);
  EXPECT_EQ(*queue->renew(lease, 30s), LeaseState::kLost);
}

TEST_P(QueueSuite, ACancelledTaskIsNotOfferedAgain) {
  for (const char* id : {"lost", "released", "failed", "done"}) submit_id(id);
  const Lease lost = claim().lease, released = claim().lease, failed = claim().lease,
              done = claim().lease;
  for (const char* id : {"lost", "released", "failed", "done"}) (void)queue->cancel(id);
  ASSERT_TRUE(queue->release(released).ok());
  ASSERT_TRUE(queue->fail(failed, {.error = {"X", "y", ""}, .try_again = true}).ok());
  ASSERT_TRUE(queue->succeed(done, "r").ok());
  engine->clock.pass(30'000);
  EXPECT_EQ(queue->maintain()->offered_again, Ids{});
  EXPECT_EQ(find("lost").state, TaskState::kCancelled);
  EXPECT_EQ(find("released").state, TaskState::kCancelled);
  EXPECT_EQ(find("failed").state, TaskState::kCancelled);
  EXPECT_EQ(find("done").state, TaskState::kSucceeded);
}

TEST_P(QueueSuite, AFinalStateStays) {
  submit_id("a");
  ASSERT_TRUE(queue->succeed(claim().lease, "r").ok());
  const int64_t change = find("a").change;
  EXPECT_EQ((*queue->cancel("a"))->state, TaskState::kSucceeded);
  engine->clock.pass(100'000);
  ASSERT_TRUE(queue->maintain().has_value());
  EXPECT_EQ(find("a").change, change);
}

TEST_P(QueueSuite, RemovesWhatIsNotRunning) {
  submit_id("a");
  submit_id("b");
  const Lease lease = claim().lease;
  EXPECT_EQ(*queue->remove("a"), Removal::kRunning);
  EXPECT_TRUE(find("a").cancel_requested);
  EXPECT_EQ(*queue->remove("b"), Removal::kRemoved);
  EXPECT_EQ(*queue->remove("b"), Removal::kNotFound);
  ASSERT_TRUE(queue->confirm_cancel(lease).ok());
  EXPECT_EQ(*queue->remove("a"), Removal::kRemoved);
  EXPECT_FALSE(queue->find("a")->has_value());
  submit_id("a");  // the id is free
  EXPECT_FALSE(queue->result("a")->has_value());
}

TEST_P(QueueSuite, TimeToLiveBeginsAtTheEnd) {
  submit({.id = "a", .result_ttl_ms = 10'000});
  submit({.id = "kept"});
  engine->clock.pass(50'000);
  ASSERT_TRUE(queue->succeed(claim().lease, "r").ok());
  ASSERT_TRUE(queue->succeed(claim().lease, "r").ok());
  EXPECT_EQ(find("a").expires, engine->clock.wall_ms() + 10'000);
  engine->clock.pass(9'999);
  EXPECT_EQ(queue->maintain()->removed, Ids{});
  engine->clock.pass(1);
  EXPECT_EQ(queue->maintain()->removed, Ids{"a"});
  EXPECT_FALSE(queue->find("a")->has_value());
  EXPECT_FALSE(queue->result("a")->has_value());
  EXPECT_EQ(find("kept").state, TaskState::kSucceeded);
}

TEST_P(QueueSuite, AWallClockThatJumpsRemovesNothingEarlyAndKeepsNothingForEver) {
  submit({.id = "a", .result_ttl_ms = 3600'000});
  ASSERT_TRUE(queue->succeed(claim().lease, "r").ok());
  ASSERT_TRUE(queue->maintain().has_value());
  for (const int64_t jump : {86'400'000'000, -200'000'000'000}) {
    engine->clock.jump(jump);
    engine->clock.pass(1000);
    EXPECT_EQ(queue->maintain()->removed, Ids{});
  }
  EXPECT_EQ(find("a").expires, engine->clock.wall_ms() + 3600'000 - 2000) << "moved with the clock";
  engine->clock.pass(3600'000 - 2001);
  EXPECT_EQ(queue->maintain()->removed, Ids{});
  engine->clock.pass(1);
  EXPECT_EQ(queue->maintain()->removed, Ids{"a"});
}

TEST_P(QueueSuite, EndsTheLeasesOfAWorkerThatIsGone) {
  for (const char* id : {"a", "b", "c"}) submit({.id = id, .max_attempts = *id == 'c' ? 1 : 3});
  (void)claim("gone");
  const Lease held = claim("there").lease;
  (void)claim("gone");
  const Maintenance done = *queue->end_leases_of("gone");
  EXPECT_EQ(done.offered_again, Ids{"a"});
  EXPECT_EQ(done.failed, Ids{"c"});
  EXPECT_EQ(*queue->renew(held, 30s), LeaseState::kHeld);
  EXPECT_EQ(queue->end_leases_of("gone")->leases_expired, 0);
}

TEST_P(QueueSuite, CountsByState) {
  const WallMs oldest = engine->clock.wall_ms();
  for (const char* id : {"a", "b", "c", "d"}) {
    submit_id(id);
    engine->clock.pass(10);
  }
  submit({.id = "later", .delay_ms = 1000});
  ASSERT_TRUE(queue->succeed(claim().lease, "").ok());
  (void)claim();
  (void)queue->cancel("c");
  const QueueCounts counts = *queue->counts();
  EXPECT_EQ(counts.queued, 1);
  EXPECT_EQ(counts.scheduled, 1);
  EXPECT_EQ(counts.running, 1);
  EXPECT_EQ(counts.succeeded, 1);
  EXPECT_EQ(counts.cancelled, 1);
  EXPECT_EQ(counts.failed, 0);
  EXPECT_EQ(counts.oldest_queued, oldest + 30);
}

}  // namespace
}  // namespace maie::queue
