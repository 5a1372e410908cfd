// Worker processes under the supervisor. The program is its own child:
//   supervisor_test worker FOLDER WAY   a worker with models that hang, die or do their work
//   supervisor_test parent FOLDER       a supervisor to be killed
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/worker/fake_models.h"
#include "tests/worker/worker_fixture.h"
#include "worker/worker_id.h"
#include "worker/worker_status.h"

namespace maie::worker {
namespace {

using namespace std::chrono_literals;

config::Settings settings_of(const std::string& folder) {
  config::Settings settings;
  settings.paths.data_dir = folder;
  settings.paths.audio_dir = folder + "/audio";
  settings.worker.interactive = 0;
  settings.worker.grace_s = 1;
  settings.worker.stall_s = 0.5;
  settings.queue.retry_delay_s = 0.05;
  return settings;
}

// "work": ends when there is a file "go". "hang": the first attempt of a task never ends. "die": at
// once.
int worker_main(const std::string& folder, const std::string& way) {
  configure_log(LogLevel::kOff, false);
  if (way == "die") return 3;
  audio::set_decoder_program(MAIE_BINARY_DIR "/bin/maie_decode_child");
  CancelToken stop;
  const Lifeline lifeline(stop);
  config::Settings settings = settings_of(folder);
  if (way == "work") settings.worker.stall_s = 60;
  FakeScript script;
  const std::string mark = folder + "/hung";
  script.hear = [&](const auto&, const CancelToken& cancel) -> Result<pipeline::Transcript> {
    if (way == "hang" && !std::filesystem::exists(mark)) {
      if (!write_file_atomically(mark, "x").ok()) std::abort();
      while (true) std::this_thread::sleep_for(1s);
    }
    while (way == "work" && !std::filesystem::exists(folder + "/go")) {
      MAIE_TRY(cancel.status());
      std::this_thread::sleep_for(5ms);
    }
    return spoken("from a child");
  };
  Models models = fake_models(script);
  const auto queue = queue::open_sqlite_queue({.folder = folder});
  if (!queue.has_value()) return 69;
  return run_worker(settings, **queue, models, stop).ok() ? 0 : 69;
}

int parent_main(const std::string& folder) {
  configure_log(LogLevel::kOff, false);
  const auto queue = queue::open_sqlite_queue({.folder = folder});
  if (!queue.has_value()) return 69;
  const auto supervisor =
      Supervisor::start(settings_of(folder), **queue, {"worker", folder, "work"});
  if (!supervisor.has_value()) return 1;
  while (true) std::this_thread::sleep_for(1s);
}

class SupervisorTest : public WorkerFixture {
 protected:
  std::unique_ptr<Supervisor> supervise(const std::string& way) {
    auto started = Supervisor::start(settings_of(folder_), *queue_, {"worker", folder_, way});
    EXPECT_TRUE(started.has_value()) << started.status().message();
    return std::move(*started);
  }
  jobs::AudioJob audio() {
    jobs::AudioJob job;
    job.audio = recording(wav(2));
    job.features.raw_transcript = true;
    return job;
  }
  // Pid of the process that holds a task.
  pid_t holder(const std::string& id) {
    const auto workers = queue_->workers(60s);
    if (!workers.has_value()) return 0;
    for (const queue::WorkerRecord& worker : *workers)
      if (worker.id == task(id).worker) return pid_t(worker_status_of(worker.status)->pid);
    return 0;
  }
  void go() { ASSERT_TRUE(write_file_atomically(folder_ + "/go", "x").ok()); }
};

TEST_F(SupervisorTest, KilledChildIsStartedAgainAndItsTaskEndsOnce) {
  const auto supervisor = supervise("work");
  const std::string id = submit(audio());
  ASSERT_TRUE(becomes([&] { return task(id).stage == jobs::kStageRecognise; }));
  const std::string first = task(id).worker;
  const pid_t child = holder(id);
  ASSERT_GT(child, 0);
  EXPECT_EQ(worker_id_of(child), first);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  // Its lease has 30 s to run, and ends at once.
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(becomes([&] { return task(id).worker != first && task(id).attempts == 2; }, 5));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s);
  go();
  EXPECT_EQ(finished(id).state, queue::TaskState::kSucceeded);
  EXPECT_EQ(result(id).results["raw_transcript"], "from a child");
  EXPECT_EQ(supervisor->restarts(), 1);
  EXPECT_EQ(supervisor->running(), 1);
  supervisor->stop();
  EXPECT_EQ(supervisor->running(), 0);
  EXPECT_EQ(task(id).attempts, 2);
}

TEST_F(SupervisorTest, TaskThatKillsItsWorkersFails) {
  const auto supervisor = supervise("work");
  const std::string id = submit(audio(), queue::Lane::kBatch, 2);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(becomes([&] {
      return task(id).attempts == i + 1 && task(id).stage == jobs::kStageRecognise &&
             holder(id) > 0;
    }));
    ASSERT_EQ(::kill(holder(id), SIGKILL), 0);
  }
  EXPECT_EQ(finished(id).state, queue::TaskState::kFailed);
  EXPECT_EQ(task(id).error.code, "WORKER_LOST");
}

TEST_F(SupervisorTest, StopGivesBackWhatDoesNotEnd) {
  const auto supervisor = supervise("work");
  const std::string id = submit(audio());
  ASSERT_TRUE(becomes([&] { return task(id).stage == jobs::kStageRecognise; }));
  const auto begun = std::chrono::steady_clock::now();
  supervisor->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 4s);
  EXPECT_EQ(task(id).state, queue::TaskState::kQueued);
  EXPECT_EQ(task(id).attempts, 0);
  EXPECT_TRUE(queue_->workers(60s)->empty());
}

TEST_F(SupervisorTest, ChildThatDiesAtOnceIsStartedLessAndLessOften) {
  const auto supervisor = supervise("die");
  std::this_thread::sleep_for(1800ms);
  EXPECT_GE(supervisor->restarts(), 2);
  EXPECT_LE(supervisor->restarts(), 4);  // after 0.2, 0.6, 1.4 s
}

TEST_F(SupervisorTest, HangingTaskCostsItsProcessAndNoMore) {
  const auto supervisor = supervise("hang");
  const std::string id = submit(audio());
  EXPECT_EQ(finished(id, 30).state, queue::TaskState::kSucceeded);
  EXPECT_EQ(task(id).attempts, 2);
  EXPECT_EQ(supervisor->restarts(), 1);
}

TEST_F(SupervisorTest, LeasesOfWorkersThatAreGoneEndAtTheStart) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const std::string gone = worker_id_of(child).value_or("");
  const std::string here = worker_id_of_process();
  const std::string elsewhere = "another-host-1-1";
  std::vector<std::string> ids;
  for (const std::string& worker : {gone, here, elsewhere}) {
    ids.push_back(submit(audio()));
    ASSERT_TRUE(queue_->announce({.id = worker, .status = "{}"}).ok());
    ASSERT_TRUE(queue_->claim({.worker = worker})->has_value());
  }
  EXPECT_FALSE(is_gone(gone));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(is_gone(gone));
  EXPECT_FALSE(is_gone(here));
  EXPECT_FALSE(is_gone(elsewhere));
  config::Settings settings = settings_of(folder_);
  settings.worker.processes = 0;
  ASSERT_TRUE(Supervisor::start(settings, *queue_, {}).has_value());
  EXPECT_EQ(task(ids[0]).state, queue::TaskState::kQueued);
  EXPECT_EQ(task(ids[1]).state, queue::TaskState::kRunning);
  EXPECT_EQ(task(ids[2]).state, queue::TaskState::kRunning);
}

TEST_F(SupervisorTest, ChildrenEndWithTheirParentHoweverItEnds) {
  const pid_t parent = ::fork();
  if (parent == 0) {
    ::execl("/proc/self/exe", "supervisor_test", "parent", folder_.c_str(), nullptr);
    ::_exit(127);
  }
  const std::string id = submit(audio());
  ASSERT_TRUE(becomes([&] { return task(id).stage == jobs::kStageRecognise && holder(id) > 0; }));
  const pid_t child = holder(id);
  ASSERT_NE(child, parent);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_TRUE(becomes([&] { return !worker_id_of(child).has_value(); }, 6));
}

}  // namespace
}  // namespace maie::worker

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  if (what == "worker") return maie::worker::worker_main(argv[2], argc > 3 ? argv[3] : "");
  if (what == "parent") return maie::worker::parent_main(argv[2]);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
