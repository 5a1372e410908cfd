// Random interleavings of everything that clients, workers, time and misfortune do to a queue,
// against the model: after each operation the store must show what the model shows.
//
// MAIE_QUEUE_SEED=<number> runs that seed alone; a failure prints its seed and its last operations.
#include "tests/queue/queue_model.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <random>
#include <set>
#include <sstream>

#include "tests/queue/queue_suite.h"

namespace maie::queue {
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(QueueModelSuite);

namespace {

using std::chrono::milliseconds;

constexpr int kSeeds = 40, kSteps = 250, kClients = 3;
constexpr size_t kMostTasks = 12;  // few enough that operations meet each other
constexpr int64_t kMinute = 60'000, kHour = 60 * kMinute, kDay = 24 * kHour;

std::string words_of(const TaskError& error) {
  // What the queue itself says of a lost worker is worded by the engine.
  const std::string message = error.code == "WORKER_LOST" ? "" : error.message;
  return error.code + "/" + message + "/" + error.stage;
}

// One line of a task as clients see it. @param with_times whether times to come are compared:
// after a jump of the wall clock they follow with the next maintain().
std::string line_of(const Task& task, bool with_times) {
  std::ostringstream out;
  const auto time = [](const std::optional<WallMs>& at) { return at ? std::to_string(*at) : "-"; };
  const auto later = [&](const std::optional<WallMs>& at) {
    return with_times || !at ? time(at) : "later";
  };
  out << task.id << ' ' << task.kind << ' ' << task.owner << ' ' << task.request_id << ' '
      << task.traceparent << " lane " << int(task.lane) << " priority " << task.priority << ' '
      << to_string(task.state) << " stage '" << task.stage << "' stop " << task.cancel_requested
      << " attempts " << task.attempts << '/' << task.max_attempts << " worker '" << task.worker
      << "' error " << words_of(task.error) << " created " << task.created << " started "
      << time(task.started) << " finished " << time(task.finished) << " not before "
      << later(task.not_before) << " expires " << later(task.expires);
  return out.str();
}

Task shown(const ModelTask& task, int64_t now, WallMs wall) {
  const NewTask& from = task.submitted;
  Task out;
  out.id = from.id;
  out.kind = from.kind;
  out.owner = from.owner;
  out.request_id = from.request_id;
  out.traceparent = from.traceparent;
  out.lane = from.lane;
  out.priority = from.priority;
  out.state = task.state;
  out.stage = task.stage;
  out.cancel_requested = task.cancel_requested;
  out.attempts = task.attempts;
  out.max_attempts = from.max_attempts;
  out.worker = task.worker;
  out.error = task.error;
  out.created = task.created_wall;
  out.started = task.started_wall;
  out.finished = task.finished_wall;
  if (task.ready_at > 0) out.not_before = wall + task.ready_at - now;
  if (task.expires_at > 0) out.expires = wall + task.expires_at - now;
  return out;
}

std::vector<std::string> sorted(std::vector<std::string> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

/// One store and its model under one seed.
class Story {
 public:
  Story(const EngineFactory& factory, uint32_t seed)
      : random_(seed), engine_(factory()), model_(engine_->clock) {
    for (auto& client : clients_) client = engine_->open();
  }

  void steps() {
    for (int i = 0; i < kSteps && !testing::Test::HasFailure(); ++i) {
      step();
      if (!testing::Test::HasFailure()) compare();
    }
    if (!testing::Test::HasFailure()) finish_everything();
    if (!testing::Test::HasFailure()) return;
    std::string text;
    for (const std::string& line : log_) text += "\n  " + line;
    ADD_FAILURE() << "the last operations:" << text;
  }

 private:
  int below(int count) { return int(random_() % uint32_t(count)); }
  bool one_in(int count) { return below(count) == 0; }
  template <class T>
  T any_of(std::initializer_list<T> values) {
    return *(values.begin() + below(int(values.size())));
  }
  TaskQueue& anyone() { return *clients_[size_t(below(kClients))]; }
  WallMs wall() const { return engine_->clock.wall_ms(); }
  void say(const std::string& line) {
    log_.push_back(line);
    if (log_.size() > 40) log_.pop_front();
  }
  std::string any_id() {
    if (model_.tasks().empty() || one_in(20)) return "nobody";
    return model_.tasks()[size_t(below(int(model_.tasks().size())))].submitted.id;
  }
  std::string bytes() { return std::string(size_t(below(4)), '\0') + std::to_string(random_()); }

  // A lease that somebody has or had; sometimes one that nobody ever had.
  Lease any_lease() {
    if (leases_.empty() || one_in(15)) return {any_id(), any_of<std::string>({"", "made up"})};
    std::vector<Lease> held;
    for (const Known& known : leases_)
      if (model_.held(known.lease) != nullptr) held.push_back(known.lease);
    if (!held.empty() && !one_in(4)) return held[size_t(below(int(held.size())))];
    Lease lease = leases_[size_t(below(int(leases_.size())))].lease;
    if (one_in(30)) lease.task_id = any_id();
    return lease;
  }

  void step() {
    switch (below(27)) {
      case 0:
      case 1:
      case 2: return submit();
      case 3:
      case 4:
      case 5:
      case 6: return claim();
      case 7: return renew();
      case 8: return set_stage();
      case 9: return save_checkpoint();
      case 10:
      case 11: return succeed();
      case 12:
      case 13: return fail();
      case 14: return release();
      case 15: return confirm_cancel();
      case 16: return report();
      case 17: return cancel();
      case 18: return remove();
      case 19: return retry();
      case 20:
      case 21: return pass();
      case 22:
      case 23: return maintain();
      case 24: return one_in(3) ? jump() : end_leases();
      case 25: return one_in(4) ? restart_machine() : crash();
      case 26: return list();
    }
  }

  // --- who submits and asks
  void submit() {
    NewTask task;
    const bool again = one_in(15);
    task.id = again ? any_id() : "task-" + std::to_string(++submitted_);
    if (one_in(40)) task.id.clear();
    task.kind = any_of({"audio", "text"});
    task.lane = any_of({Lane::kBatch, Lane::kBatch, Lane::kInteractive});
    task.priority = below(5) - 2;
    task.payload = bytes();
    task.max_attempts = one_in(40) ? 0 : 1 + below(3);
    task.delay_ms = any_of<int64_t>({0, 0, 0, 3000, 10 * kMinute});
    task.result_ttl_ms = any_of<int64_t>({0, 5000, 10 * kMinute, kDay});
    task.owner = any_of({"me", "you"});
    task.request_id = "r" + std::to_string(submitted_);
    task.traceparent = "t" + std::to_string(submitted_);
    if (!again && one_in(2)) {  // what comes of a key and a taken id is left open
      task.idempotency_key = any_of({"key", "other"});
      task.idempotency_hash = any_of({"h1", "h1", "h2"});
      task.idempotency_ttl_ms = any_of<int64_t>({10'000, kHour, kDay});
    }
    SubmitLimits limits;
    if (!again && (one_in(4) || model_.tasks().size() >= kMostTasks)) limits.max_queued = 4;
    say("submit " + task.id + " delay " + std::to_string(task.delay_ms) + " key '" +
        task.idempotency_key + "' limit " + std::to_string(limits.max_queued));
    const auto got = anyone().submit(task, limits);
    const auto want = model_.submit(task, limits);
    ASSERT_EQ(got.has_value(), want.has_value()) << got.status().message();
    if (!want) {
      EXPECT_EQ(got.status().code(), Code::kInvalidInput);
      return;
    }
    EXPECT_EQ(int(got->outcome), int(want->outcome));
    EXPECT_EQ(got->task_id, want->task_id);
  }

  void cancel() {
    const std::string id = any_id();
    say("cancel " + id);
    const auto got = anyone().cancel(id);
    ASSERT_TRUE(got.has_value()) << got.status().message();
    ModelTask* task = model_.find(id);
    ASSERT_EQ(got->has_value(), task != nullptr);
    if (task == nullptr) return;
    model_.cancel(*task);
    EXPECT_EQ(line_of(**got, times_are_known_), line_of(shown(*task), times_are_known_));
  }

  void remove() {
    const std::string id = any_id();
    say("remove " + id);
    const auto got = anyone().remove(id);
    ASSERT_TRUE(got.has_value()) << got.status().message();
    EXPECT_EQ(int(*got), int(model_.remove(id)));
  }

  void retry() {
    const std::string id = any_id();
    say("retry " + id);
    const auto got = anyone().retry(id);
    ASSERT_TRUE(got.has_value()) << got.status().message();
    EXPECT_EQ(int(*got), int(model_.retry(id)));
    if (*got == Retry::kQueued) started_anew_.insert(id);
  }

  // Some filter, read in pages.
  void list() {
    TaskFilter filter;
    for (int i = below(3); i > 0; --i) filter.states.push_back(TaskState(below(5)));
    filter.kind = any_of({"", "", "audio"});
    filter.owner = any_of({"", "", "you"});
    if (one_in(3)) filter.lane = any_of({Lane::kBatch, Lane::kInteractive});
    if (one_in(4) && !model_.tasks().empty())
      filter.created_after = model_.tasks()[model_.tasks().size() / 2].created_wall;
    if (one_in(4)) filter.created_before = wall();
    filter.limit = 1 + below(4);
    say("list");
    std::vector<std::string> got;
    TaskPage page;
    do {
      const auto next = anyone().list(filter);
      ASSERT_TRUE(next.has_value()) << next.status().message();
      page = *next;
      EXPECT_LE(int(page.tasks.size()), filter.limit);
      for (const Task& task : page.tasks) got.push_back(task.id);
      if (!page.tasks.empty()) filter.after_id = page.tasks.back().id;
    } while (page.more);
    EXPECT_EQ(got, model_.list(filter));
  }

  // --- who works
  void claim() {
    const int client = below(kClients);
    const ClaimRequest request{"worker-" + std::to_string(client),
                               any_of({Lane::kBatch, Lane::kInteractive}),
                               milliseconds(any_of({1000, 30'000, 120'000}))};
    const auto got = clients_[size_t(client)]->claim(request);
    ASSERT_TRUE(got.has_value()) << got.status().message();
    ModelTask* task = model_.next(request.lane);
    say("claim by " + request.worker + ": " + (*got ? (*got)->task.id : "none"));
    ASSERT_EQ(got->has_value(), task != nullptr);
    if (task == nullptr) return;
    const LeasedTask& leased = **got;
    ASSERT_EQ(leased.task.id, task->submitted.id) << "the order of claims";
    ASSERT_TRUE(tokens_.insert(leased.lease.token).second) << "the same token twice";
    model_.lend(*task, request, leased.lease.token);
    EXPECT_EQ(line_of(leased.task, true), line_of(shown(*task), true));
    EXPECT_EQ(leased.task.payload, task->submitted.payload);
    EXPECT_EQ(leased.lease.task_id, leased.task.id);
    leases_.push_back({leased.lease, client});
    if (leases_.size() > 10) leases_.erase(leases_.begin());
  }

  ModelTask* held(const Lease& lease, const char* what) {
    ModelTask* task = model_.held(lease);
    say(std::string(what) + " " + lease.task_id + (task ? "" : " with a lost lease"));
    return task;
  }

  // A call that only the holder of a lease may make, by anyone. @returns the task when it was held:
  // then the call did what it says.
  template <class Call>
  ModelTask* with_lease(const char* what, const Call& call) {
    const Lease lease = any_lease();
    const Status status = call(lease);
    ModelTask* task = held(lease, what);
    EXPECT_EQ(status.code(), task != nullptr ? Code::kOk : Code::kNotFound)
        << what << ": " << status.message();
    return task;
  }

  void renew() {
    const Lease lease = any_lease();
    const milliseconds length(any_of({1000, 30'000}));
    ModelTask* task = held(lease, "renew");
    const auto got = anyone().renew(lease, length);
    ASSERT_TRUE(got.has_value()) << got.status().message();
    const LeaseState want = task == nullptr          ? LeaseState::kLost
                            : task->cancel_requested ? LeaseState::kCancelRequested
                                                     : LeaseState::kHeld;
    EXPECT_EQ(int(*got), int(want));
    if (task != nullptr) task->lease_until = model_.now() + length.count();
  }

  void set_stage() {
    const std::string stage = any_of({"decode", "asr", "llm"});
    const auto call = [&](const Lease& lease) { return anyone().set_stage(lease, stage); };
    if (ModelTask* task = with_lease("set_stage", call)) task->stage = stage;
  }

  void save_checkpoint() {
    const std::string name = any_of({"decode", "asr"}), data = bytes();
    const auto call = [&](const Lease& lease) {
      return anyone().save_checkpoint(lease, name, data);
    };
    if (ModelTask* task = with_lease("save_checkpoint", call)) task->checkpoints[name] = data;
  }

  void succeed() {
    const std::string result = bytes();
    const auto call = [&](const Lease& lease) { return anyone().succeed(lease, result); };
    if (ModelTask* task = with_lease("succeed", call)) model_.succeed(*task, result);
  }

  void fail() {
    const Failure failure{{"CODE", bytes(), "asr"},
                          !one_in(3),
                          milliseconds(any_of({0, 0, 2000, int(10 * kMinute)}))};
    const auto call = [&](const Lease& lease) { return anyone().fail(lease, failure); };
    if (ModelTask* task = with_lease("fail", call)) model_.fail(*task, failure);
  }

  void release() {
    const auto call = [&](const Lease& lease) { return anyone().release(lease); };
    if (ModelTask* task = with_lease("release", call)) model_.release(*task);
  }

  void confirm_cancel() {
    const Lease lease = any_lease();
    const Status status = anyone().confirm_cancel(lease);
    ModelTask* task = held(lease, "confirm_cancel");
    EXPECT_EQ(status.code(), task == nullptr          ? Code::kNotFound
                             : task->cancel_requested ? Code::kOk
                                                      : Code::kInvalidInput)
        << status.message();
    if (status.ok() && task != nullptr) model_.end(*task, TaskState::kCancelled);
  }

  void report() {
    if (one_in(2)) {
      const double fraction = below(100) / 128.0;
      const auto call = [&](const Lease& lease) {
        return anyone().report(lease, {.stage = "asr", .fraction = fraction});
      };
      if (ModelTask* task = with_lease("report", call)) task->fraction = fraction;
    } else {
      const std::string data = bytes();
      const auto call = [&](const Lease& lease) { return anyone().append_event(lease, data); };
      ModelTask* task = with_lease("append_event", call);
      if (task != nullptr && task->live_is_known) task->events.push_back(data);
    }
  }

  // --- time and misfortune
  void pass() {
    int64_t time = any_of<int64_t>({1, 100, 2000, 40'000, kHour});
    std::vector<int64_t> deadlines;
    for (const ModelTask& task : model_.tasks())
      for (const int64_t at : {task.lease_until, task.ready_at, task.expires_at, task.key_until})
        if (at > model_.now() + 1) deadlines.push_back(at);
    if (!deadlines.empty() && one_in(2)) {  // to the millisecond, or just before it
      time = deadlines[size_t(below(int(deadlines.size())))] - model_.now() - below(2);
    }
    say("pass " + std::to_string(time) + " ms");
    engine_->clock.pass(time);
    model_.pass(time);
  }

  void jump() {
    if (!times_are_known_) maintain();  // two jumps that cancel out are not seen
    const int64_t time =
        any_of<int64_t>({2 * kMinute, -2 * kMinute, kDay, -3 * kDay, 400 * kDay, -400 * kDay});
    say("the wall clock jumps by " + std::to_string(time) + " ms");
    engine_->clock.jump(time);
    times_are_known_ = false;
  }

  void expect_same(const Maintenance& got, const Maintenance& want) {
    EXPECT_EQ(got.leases_expired, want.leases_expired);
    EXPECT_EQ(sorted(got.offered_again), sorted(want.offered_again));
    EXPECT_EQ(sorted(got.failed), sorted(want.failed));
    EXPECT_EQ(sorted(got.removed), sorted(want.removed));
  }

  void maintain() {
    say("maintain");
    const auto got = anyone().maintain();
    ASSERT_TRUE(got.has_value()) << got.status().message();
    expect_same(*got, model_.maintain());
    times_are_known_ = true;
  }

  void end_leases() {
    const std::string worker = "worker-" + std::to_string(below(kClients));
    say("end the leases of " + worker);
    const auto got = anyone().end_leases_of(worker);
    ASSERT_TRUE(got.has_value()) << got.status().message();
    expect_same(*got, model_.end_leases_of(worker));
  }

  // A process is gone: its leases stay with the queue, nobody has their tokens.
  void crash() {
    const int client = below(kClients);
    say("client " + std::to_string(client) + " dies");
    clients_[size_t(client)].reset();
    std::erase_if(leases_, [&](const Known& known) { return known.client == client; });
    clients_[size_t(client)] = engine_->open();
  }

  void restart_machine() {
    if (!times_are_known_) maintain();  // else how long it was off is not to be known
    const int64_t off = any_of<int64_t>({1000, 10 * kMinute, 2 * kDay});
    say("the machine is off for " + std::to_string(off) + " ms");
    for (auto& client : clients_) client.reset();
    engine_->clock.restart_machine(off);
    model_.restart_machine(off);
    for (auto& client : clients_) client = engine_->open();
  }

  // --- what the store shows
  Task shown(const ModelTask& task) const {
    return queue::shown(task, model_.now(), engine_->clock.wall_ms());
  }

  void compare() {
    TaskQueue& client = anyone();
    const auto page = client.list({.limit = 1000});
    ASSERT_TRUE(page.has_value()) << page.status().message();
    ASSERT_EQ(page->tasks.size(), model_.tasks().size());
    for (size_t i = 0; i < page->tasks.size(); ++i) {
      const ModelTask& want = model_.tasks()[page->tasks.size() - 1 - i];
      EXPECT_EQ(line_of(page->tasks[i], times_are_known_), line_of(shown(want), times_are_known_));
      EXPECT_EQ(page->tasks[i].payload, "");
    }
    compare_counts(client);
    compare_changes(client, page->tasks);
    if (!model_.tasks().empty()) compare_one(client, any_id());
  }

  void compare_counts(TaskQueue& client) {
    const auto got = client.counts();
    ASSERT_TRUE(got.has_value()) << got.status().message();
    const QueueCounts want = model_.counts();
    EXPECT_EQ(got->queued, want.queued);
    EXPECT_EQ(got->scheduled, want.scheduled);
    EXPECT_EQ(got->running, want.running);
    EXPECT_EQ(got->succeeded, want.succeeded);
    EXPECT_EQ(got->failed, want.failed);
    EXPECT_EQ(got->cancelled, want.cancelled);
    EXPECT_EQ(got->dead, want.dead);
    EXPECT_EQ(got->oldest_queued, want.oldest_queued);
    for (const Lane lane : {Lane::kBatch, Lane::kInteractive})
      EXPECT_EQ(*client.depth(lane), model_.depth(lane));
  }

  // Each change of a task moves it to the end of the order of changes; what did not change stays,
  // and a final state is left by retry (or a removal and the id's second life) alone.
  void compare_changes(TaskQueue& client, const std::vector<Task>& tasks) {
    int64_t newest = newest_change_;
    std::map<std::string, std::pair<std::string, int64_t>> seen;
    std::vector<std::pair<int64_t, std::string>> changed;
    for (const Task& task : tasks) {
      const std::string line = line_of(task, /*with_times=*/false);
      const auto before = seen_.find(task.id);
      if (before == seen_.end() || before->second.first != line) {
        EXPECT_GT(task.change, newest_change_) << "a change that shows to nobody: " << line;
      } else if (is_final(task.state) && started_anew_.count(task.id) == 0) {
        EXPECT_EQ(task.change, before->second.second) << "a change without one: " << line;
      }
      if (task.change > newest_change_) changed.emplace_back(task.change, task.id);
      newest = std::max(newest, task.change);
      seen[task.id] = {line, task.change};
    }
    std::sort(changed.begin(), changed.end());
    const auto got = client.changed_tasks(newest_change_, 1000);
    ASSERT_TRUE(got.has_value()) << got.status().message();
    ASSERT_EQ(got->size(), changed.size());
    for (size_t i = 0; i < changed.size(); ++i) EXPECT_EQ((*got)[i].id, changed[i].second);
    EXPECT_GE(client.cursor()->tasks, newest);
    newest_change_ = newest;
    seen_ = std::move(seen);
    started_anew_.clear();
  }

  // What is too much to look at for every task after every step.
  void compare_one(TaskQueue& client, const std::string& id) {
    const ModelTask* want = model_.find(id);
    const auto found = client.find(id);
    const auto result = client.result(id);
    ASSERT_TRUE(found.has_value() && result.has_value());
    ASSERT_EQ(found->has_value(), want != nullptr);
    EXPECT_EQ(*result, want != nullptr ? want->result : std::nullopt);
    if (want == nullptr) return;
    EXPECT_EQ((*found)->payload, want->submitted.payload);
    if (want->state != TaskState::kRunning || want->token.empty()) return;
    const auto kept = client.checkpoints({id, want->token});
    ASSERT_TRUE(kept.has_value()) << kept.status().message();
    EXPECT_EQ(*kept, want->checkpoints);
    if (want->live_is_known) compare_live(client, *want);
  }

  void compare_live(TaskQueue& client, const ModelTask& want) {
    const auto progress = client.progress(want.submitted.id);
    ASSERT_TRUE(progress.has_value()) << progress.status().message();
    ASSERT_EQ(progress->has_value(), want.fraction.has_value());
    if (want.fraction) {
      EXPECT_EQ((*progress)->fraction, *want.fraction);
    }
    const auto events = client.events(want.submitted.id, 0, 1000);
    ASSERT_TRUE(events.has_value()) << events.status().message();
    ASSERT_EQ(events->size(), want.events.size());
    for (size_t i = 0; i < want.events.size(); ++i) {
      EXPECT_EQ((*events)[i].number, int64_t(i) + 1);
      EXPECT_EQ((*events)[i].attempt, want.attempts);
      EXPECT_EQ((*events)[i].data, want.events[i]);
    }
  }

  // Whatever happened: no task is stuck, each comes to its end.
  void finish_everything() {
    say("everything is finished");
    for (int round = 0; round < 5; ++round) {
      maintain();
      for (const Lane lane : {Lane::kBatch, Lane::kInteractive}) {
        while (const ModelTask* next = model_.next(lane)) {
          const auto got = anyone().claim({.worker = "last", .lane = lane});
          ASSERT_TRUE(got.has_value() && got->has_value()) << next->submitted.id;
          ModelTask* task = model_.find((*got)->task.id);
          ASSERT_EQ(task, model_.next(lane));
          model_.lend(*task, {.worker = "last", .lane = lane}, (*got)->lease.token);
          EXPECT_TRUE(anyone().succeed((*got)->lease, "end").ok());
          model_.succeed(*task, "end");
        }
      }
      engine_->clock.pass(kHour);
      model_.pass(kHour);
      compare();
    }
    for (const ModelTask& task : model_.tasks())
      EXPECT_TRUE(is_final(task.state)) << task.submitted.id;
  }

  struct Known {
    Lease lease;
    int client = 0;
  };

  std::mt19937 random_;
  std::unique_ptr<QueueEngine> engine_;
  QueueModel model_;
  std::unique_ptr<TaskQueue> clients_[kClients];
  std::vector<Known> leases_;  // held and lost ones
  std::set<std::string> tokens_;
  std::deque<std::string> log_;
  int submitted_ = 0;
  bool times_are_known_ = true;  // until the wall clock jumps
  int64_t newest_change_ = 0;
  std::map<std::string, std::pair<std::string, int64_t>> seen_;
  std::set<std::string> started_anew_;
};

TEST_P(QueueModelSuite, AnyOrderOfEventsShowsWhatTheModelShows) {
  const char* chosen = std::getenv("MAIE_QUEUE_SEED");
  const uint32_t first = chosen != nullptr ? uint32_t(std::strtoul(chosen, nullptr, 10)) : 1;
  const uint32_t last = chosen != nullptr ? first : kSeeds;
  for (uint32_t seed = first; seed <= last && !HasFailure(); ++seed) {
    SCOPED_TRACE("MAIE_QUEUE_SEED=" + std::to_string(seed));
    Story(GetParam(), seed).steps();
  }
}

}  // namespace
}  // namespace maie::queue
