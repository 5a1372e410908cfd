// A queue.db of which a page was overwritten, while nobody had it open and while it was in use.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "queue/database.h"
#include "queue/folder_lock.h"
#include "queue/repair.h"
#include "tests/queue/sqlite_engine.h"

namespace maie::queue {
namespace {

namespace fs = std::filesystem;

constexpr int kTasks = 20;
constexpr size_t kPageBytes = 4096;

NewTask task_named(const std::string& id) {
  NewTask task;
  task.id = id;
  task.kind = "process_text";
  task.payload = std::string(3000, 'p');
  return task;
}

TEST(SqliteDamage, AnyPageMayBeDestroyed) {
  const TemporaryFolder folder;
  const std::string whole = folder.path() + "/whole";
  {
    auto queue = open_sqlite_queue({.folder = whole});
    ASSERT_TRUE(queue.has_value()) << queue.status().message();
    for (int i = 0; i < kTasks; ++i)
      ASSERT_TRUE((*queue)->submit(task_named("task-" + std::to_string(i)), {}).has_value());
  }
  const size_t pages = fs::file_size(whole + "/queue.db") / kPageBytes;
  ASSERT_GT(pages, size_t{kTasks});
  int kept = 0;
  for (size_t page = 1; page < pages; ++page) {  // the first names the tables
    SCOPED_TRACE(page);
    const std::string damaged = folder.path() + "/damaged";
    fs::remove_all(damaged);
    fs::copy(whole, damaged, fs::copy_options::recursive);
    {
      std::fstream file(damaged + "/queue.db", std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(std::streamoff(page * kPageBytes));
      file << std::string(kPageBytes, '\x5a');
      ASSERT_TRUE(file.flush());
    }
    auto queue = open_sqlite_queue({.folder = damaged});
    ASSERT_TRUE(queue.has_value()) << queue.status().message();
    for (int i = 0; i < kTasks; ++i) {
      const auto found = (*queue)->find("task-" + std::to_string(i));
      ASSERT_TRUE(found.has_value()) << found.status().message();
      kept += found->has_value() ? 1 : 0;
    }
    EXPECT_TRUE((*queue)->submit(task_named("later"), {}).has_value());
    const auto later = (*queue)->find("later");
    EXPECT_TRUE(later.has_value() && later->has_value());
  }
  // Most pages hold payloads, whose loss leaves the task; one holds a part of the tasks themselves.
  EXPECT_GT(kept, int(pages - 1) * kTasks * 3 / 4);
}

// Overwrites where a table or an index begins, for all who have the file open.
void destroy(const std::string& folder, const std::string& what) {
  const std::string path = folder + "/queue.db";
  int64_t page = 0;
  {
    auto db = Database::open(path, Database::Access::kReadWrite, 5);
    ASSERT_TRUE(db.has_value()) << db.status().message();
    page = db->integer("SELECT rootpage FROM sqlite_master WHERE name = ?", {what})->value_or(0);
    ASSERT_GT(page, 1);
    // A change, so that nobody goes on with the pages that they have read before.
    ASSERT_TRUE(db->run("UPDATE meta SET value = value + 1 WHERE name = 'live_epoch'").ok());
    ASSERT_TRUE(db->run("PRAGMA wal_checkpoint(TRUNCATE)").ok());
  }
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(std::streamoff(size_t(page - 1) * kPageBytes));
  file << std::string(kPageBytes, '\x5a');
  ASSERT_TRUE(file.flush());
}

int files_set_aside(const std::string& folder) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    count += name.starts_with("queue.db.corrupt-") && !name.ends_with("-wal") ? 1 : 0;
  }
  return count;
}

// A client as another process would be: it asks all the time, and counts what it was refused.
class BusyClient {
 public:
  BusyClient(const std::string& folder, double patience_s)
      : queue_(*open_sqlite_queue({.folder = folder, .patience_s = patience_s})) {}
  ~BusyClient() { stop(); }
  void start() {
    thread_ = std::thread([this] {
      for (int i = 0; !stopped_; ++i) {
        if (!queue_->find("task-" + std::to_string(i % kTasks)).has_value()) ++refused_;
        ++asked_;
      }
    });
  }
  void stop() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
  }
  TaskQueue& queue() { return *queue_; }
  int asked() const { return asked_; }
  int refused() const { return refused_; }

 private:
  std::unique_ptr<TaskQueue> queue_;
  std::atomic<bool> stopped_{false};
  std::atomic<int> asked_{0}, refused_{0};
  std::thread thread_;
};

void submit_tasks(TaskQueue& queue) {
  for (int i = 0; i < kTasks; ++i)
    ASSERT_TRUE(queue.submit(task_named("task-" + std::to_string(i)), {}).has_value());
}

TEST(SqliteDamage, IsRepairedWhileAllWorkOn) {
  const TemporaryFolder folder;
  constexpr double kPatience = 3;
  BusyClient server(folder.path(), kPatience), other(folder.path(), kPatience);
  ASSERT_NO_FATAL_FAILURE(submit_tasks(server.queue()));
  const auto leased = server.queue().claim({.worker = "w"});
  ASSERT_TRUE(leased.has_value() && leased->has_value());
  server.start();
  other.start();
  for (const char* what : {"sqlite_autoindex_task_1", "task_state", "task_lease"}) {
    SCOPED_TRACE(what);
    std::this_thread::sleep_for(std::chrono::duration<double>(kPatience / 3));  // between repairs
    ASSERT_NO_FATAL_FAILURE(destroy(folder.path(), what));
    // Each of these reads or changes one of the indexes.
    TaskQueue& queue = server.queue();
    EXPECT_TRUE(queue.find("task-1").has_value());
    EXPECT_TRUE(queue.counts().has_value());
    const auto renewed = queue.renew((*leased)->lease, std::chrono::seconds(30));
    ASSERT_TRUE(renewed.has_value()) << renewed.status().message();
    EXPECT_EQ(*renewed, LeaseState::kHeld) << "a lease outlives the repair";
    for (int i = 0; i < kTasks; ++i) {
      const auto found = other.queue().find("task-" + std::to_string(i));
      EXPECT_TRUE(found.has_value() && found->has_value()) << i;
    }
  }
  EXPECT_TRUE(server.queue().succeed((*leased)->lease, "r").ok());
  server.stop();
  other.stop();
  EXPECT_EQ(files_set_aside(folder.path()), 3);
  EXPECT_FALSE(fs::exists(folder.path() + "/queue.damaged"));
  EXPECT_EQ(server.refused() + other.refused(), 0) << "of " << server.asked() + other.asked();
  EXPECT_EQ(server.queue().counts()->queued, kTasks - 1);
}

TEST(SqliteDamage, WaitsForAProcessThatDoesNotLetGo) {
  const TemporaryFolder folder;
  BusyClient stopped(folder.path(), 0.3), server(folder.path(), 0.3);
  ASSERT_NO_FATAL_FAILURE(submit_tasks(server.queue()));
  ASSERT_NO_FATAL_FAILURE(destroy(folder.path(), "sqlite_autoindex_task_1"));
  const auto refused = server.queue().find("task-1");
  EXPECT_EQ(refused.status().code(), Code::kCorrupt) << refused.status().message();
  EXPECT_TRUE(server.queue().counts().has_value()) << "what is readable is served";
  EXPECT_EQ(files_set_aside(folder.path()), 0) << "nothing is taken from under its feet";
  stopped.start();  // it goes on
  bool found = false;
  for (int i = 0; i < 100 && !found; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    found = server.queue().find("task-1").has_value();
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(files_set_aside(folder.path()), 1);
}

TEST(SqliteDamage, IdleProcessesLetGo) {
  const TemporaryFolder folder;
  BusyClient idle(folder.path(), 10), server(folder.path(), 10);
  ASSERT_NO_FATAL_FAILURE(submit_tasks(server.queue()));
  CancelToken stop;
  std::thread waits([&] {
    while (!stop.is_cancelled()) {
      const auto seen = idle.queue().cursor();
      EXPECT_TRUE(seen.has_value()) << seen.status().message();
      if (!seen.has_value()) continue;
      EXPECT_TRUE(idle.queue().wait_for_change(*seen, std::chrono::seconds(10), stop).has_value());
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ASSERT_NO_FATAL_FAILURE(destroy(folder.path(), "sqlite_autoindex_task_1"));
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(server.queue().find("task-1").has_value());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  stop.cancel();
  (void)server.queue().submit(task_named("rings"), {});
  waits.join();
  EXPECT_EQ(files_set_aside(folder.path()), 1);
}

TEST(SqliteDamage, ARepairMayTakeLongerThanThePatience) {
  const TemporaryFolder folder;
  auto queue =
      open_sqlite_queue({.folder = folder.path(), .busy_timeout_s = 0.1, .patience_s = 0.2});
  ASSERT_TRUE(queue.has_value()) << queue.status().message();
  ASSERT_NO_FATAL_FAILURE(submit_tasks(**queue));
  auto repairer = FolderLock::take(folder.path(), 1);
  ASSERT_TRUE(repairer.has_value()) << repairer.status().message();
  mark_as_damaged(folder.path());
  std::thread repairs([&] {
    for (auto alone = repairer->try_alone(); alone.has_value() && !*alone;
         alone = repairer->try_alone())
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::seconds(1));
    fs::remove(folder.path() + "/queue.damaged");
    repairer->let_go();
  });
  const auto found = (*queue)->find("task-1");
  EXPECT_TRUE(found.has_value()) << found.status().message();
  EXPECT_EQ(files_set_aside(folder.path()), 0);
  repairs.join();
}

// A worker process, which ends every task that it can get until `stop` is there. @returns how often
// it was refused.
int work_until(const std::string& stop, const std::string& folder) {
  auto opened = open_sqlite_queue({.folder = folder, .patience_s = 3});
  if (!opened.has_value()) return 1;
  TaskQueue& queue = **opened;
  const CancelToken never;
  int refused = 0;
  while (!fs::exists(stop)) {
    const auto seen = queue.cursor();
    const auto claimed = queue.claim({.worker = std::to_string(::getpid())});
    if (!seen.has_value() || !claimed.has_value()) {
      ++refused;
    } else if (!*claimed) {
      refused +=
          queue.wait_for_change(*seen, std::chrono::milliseconds(100), never).has_value() ? 0 : 1;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      const Lease& lease = (*claimed)->lease;
      const auto state = queue.renew(lease, std::chrono::seconds(30));
      if (!state.has_value() || *state != LeaseState::kHeld) ++refused;
      if (!queue.succeed(lease, "done").ok()) ++refused;
    }
  }
  return refused;
}

TEST(SqliteDamage, ProcessesWorkOnTogether) {
  const TemporaryFolder folder;
  const std::string stop = folder.path() + "/stop";
  pid_t workers[2];
  for (pid_t& worker : workers) {
    worker = ::fork();
    ASSERT_GE(worker, 0);
    if (worker != 0) continue;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::_exit(std::min(work_until(stop, folder.path()), 100));
  }
  {
    auto opened = open_sqlite_queue({.folder = folder.path(), .patience_s = 3});
    EXPECT_TRUE(opened.has_value()) << opened.status().message();
    int submitted = 0;
    for (const char* what : {"task_change", "task_waiting", "task_lease"}) {
      if (!opened.has_value() || testing::Test::HasFailure()) break;
      SCOPED_TRACE(what);
      std::this_thread::sleep_for(std::chrono::seconds(1));  // the repair before was a while ago
      for (int i = 0; i < kTasks; ++i) {
        const std::string id = std::to_string(submitted++);
        EXPECT_TRUE((*opened)->submit(task_named(id), {}).has_value());
        if (i == kTasks / 2) destroy(folder.path(), what);
      }
      for (int i = 0; i < 200 && (*opened)->counts()->succeeded < submitted; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      EXPECT_EQ((*opened)->counts()->succeeded, submitted);
    }
  }
  std::ofstream(stop).flush();
  for (const pid_t worker : workers) {
    int status = 0;
    EXPECT_EQ(::waitpid(worker, &status, 0), worker);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0) << "times it was refused";
  }
  EXPECT_EQ(files_set_aside(folder.path()), 3);
}

}  // namespace
}  // namespace maie::queue
