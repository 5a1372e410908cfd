// Processes that submit to and work on one folder are killed (SIGKILL) at random instants, one or
// all of them at a time. What they were told is kept, and every task can be brought to its end.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include "base/secret.h"
#include "queue/database.h"
#include "tests/queue/sqlite_engine.h"

namespace maie::queue {
namespace {

using namespace std::chrono_literals;

constexpr int kKills = 50, kProcesses = 3, kAttempts = 10'000;

// What a process was told, a line each, written at once: what the kernel has survives a SIGKILL.
class Notes {
 public:
  explicit Notes(const std::string& path)
      : file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}
  ~Notes() { ::close(file_); }
  void write(const std::string& line) {
    const std::string text = line + "\n";
    if (::write(file_, text.data(), text.size()) != ssize_t(text.size())) ::_exit(3);
  }

 private:
  int file_;
};

// One process: submits, takes tasks, renews, ends them, until it is killed.
class Process {
 public:
  Process(const std::string& folder, int number, const std::string& before)
      : name_("process-" + std::to_string(number)),
        notes_(folder + "/" + name_ + ".notes"),
        random_(uint32_t(number)) {
    auto opened = open_sqlite_queue({.folder = folder});
    if (!opened.has_value()) give_up("open", opened.status());
    queue_ = std::move(*opened);
    if (!before.empty()) expect(queue_->end_leases_of(before).status(), "end_leases_of");
  }

  [[noreturn]] void run() {
    for (int i = 0;; ++i) {
      submit(i);
      if (i % 3 != 0) work();
      if (i % 16 == 0) expect(queue_->maintain().status(), "maintain");
    }
  }

 private:
  void give_up(const char* what, const Status& status) {
    notes_.write("error " + std::string(what) + ": " + status.message());
    ::_exit(2);
  }
  void expect(const Status& status, const char* what) {
    if (!status.ok()) give_up(what, status);
  }

  void submit(int i) {
    NewTask task{.id = name_ + "-" + std::to_string(i), .kind = "audio"};
    task.payload = std::string(random_() % 6000, 'p');
    task.max_attempts = kAttempts;
    const auto submitted = queue_->submit(task, {});
    if (!submitted.has_value()) give_up("submit", submitted.status());
    notes_.write("submitted " + task.id);
  }

  void work() {
    const auto claimed = queue_->claim({.worker = name_, .lease = 60s});
    if (!claimed.has_value()) give_up("claim", claimed.status());
    if (!*claimed) return;
    const Lease& lease = (*claimed)->lease;
    expect(queue_->save_checkpoint(lease, "asr", std::string(random_() % 3000, 'c')), "checkpoint");
    expect(queue_->append_event(lease, "a word"), "append_event");
    const auto renewed = queue_->renew(lease, 60s);
    if (!renewed.has_value()) give_up("renew", renewed.status());
    if (*renewed != LeaseState::kHeld) give_up("renew", not_found("nobody else ended this lease"));
    if (random_() % 4 == 0)
      return expect(queue_->fail(lease, {.error = {"X", "y", ""}, .try_again = true}), "fail");
    const std::string result = random_hex(8);
    expect(queue_->succeed(lease, result), "succeed");
    notes_.write("succeeded " + lease.task_id + " " + result);
  }

  const std::string name_;
  Notes notes_;
  std::mt19937 random_;
  std::unique_ptr<TaskQueue> queue_;
};

class SqliteKills : public testing::Test {
 protected:
  ~SqliteKills() override {
    for (Running& one : running_) kill(one);
  }

  struct Running {
    pid_t pid = 0;
    int number = 0;
  };

  // @param before who was here, whose tasks are offered again
  void start(Running& one) {
    const std::string before = one.number > 0 ? "process-" + std::to_string(one.number) : "";
    one.number = ++started_;
    const pid_t parent = ::getpid();
    one.pid = ::fork();
    ASSERT_GE(one.pid, 0);
    if (one.pid != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    Process(folder_.path(), one.number, before).run();
  }

  static void kill(Running& one) {
    if (one.pid <= 0) return;
    ::kill(one.pid, SIGKILL);
    int status = 0;
    EXPECT_EQ(::waitpid(one.pid, &status, 0), one.pid);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself, with status " << WEXITSTATUS(status);
    one.pid = 0;
  }

  // What all processes together were told.
  void read_notes() {
    for (int number = 1; number <= started_; ++number) {
      std::ifstream notes(folder_.path() + "/process-" + std::to_string(number) + ".notes");
      for (std::string line; std::getline(notes, line);) {
        std::istringstream words(line);
        std::string what, id, result;
        words >> what >> id >> result;
        if (what == "submitted") {
          submitted_.push_back(id);
        } else if (what == "succeeded") {
          EXPECT_TRUE(succeeded_.emplace(id, result).second) << id << " succeeded twice";
        } else {
          ADD_FAILURE() << "process " << number << ": " << line;
        }
      }
    }
  }

  std::string integrity() const {
    auto db = Database::open(folder_.path() + "/queue.db", Database::Access::kReadWrite, 5);
    if (!db.has_value()) return db.status().message();
    const auto answer = db->text("PRAGMA integrity_check");
    return answer.has_value() ? answer->value_or("nothing") : answer.status().message();
  }

  TemporaryFolder folder_;
  Running running_[kProcesses];
  int started_ = 0;
  std::vector<std::string> submitted_;
  std::map<std::string, std::string> succeeded_;
};

TEST_F(SqliteKills, KeepWhatWasToldAndLeaveNoTaskBehind) {
  std::mt19937 random(20);
  for (int kills = 0; kills < kKills && !HasFailure();) {
    for (Running& one : running_) {
      if (one.pid != 0) continue;
      ASSERT_NO_FATAL_FAILURE(start(one));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 120));
    const bool all = random() % 5 == 0;  // then the next to open is alone
    for (int i = 0; i < (all ? kProcesses : 1); ++i, ++kills)
      kill(running_[all ? size_t(i) : random() % kProcesses]);
  }
  for (Running& one : running_) kill(one);

  read_notes();
  EXPECT_GT(submitted_.size(), size_t{kKills});
  EXPECT_GT(succeeded_.size(), size_t{kKills / 2});
  EXPECT_EQ(integrity(), "ok");

  auto queue = open_sqlite_queue({.folder = folder_.path()});
  ASSERT_TRUE(queue.has_value()) << queue.status().message();
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/queue.damaged"));
  for (const std::string& id : submitted_)
    EXPECT_TRUE((*queue)->find(id)->has_value()) << id << " was submitted and is gone";
  for (const auto& [id, result] : succeeded_) {
    EXPECT_EQ((*(*queue)->find(id))->state, TaskState::kSucceeded) << id;
    EXPECT_EQ((*queue)->result(id)->value_or("none"), result) << id;
  }

  for (int number = 1; number <= started_; ++number)
    ASSERT_TRUE((*queue)->end_leases_of("process-" + std::to_string(number)).has_value());
  while (true) {
    const auto claimed = (*queue)->claim({.worker = "last"});
    ASSERT_TRUE(claimed.has_value()) << claimed.status().message();
    if (!*claimed) break;
    EXPECT_EQ(succeeded_.count((*claimed)->task.id), 0u) << "offered after it succeeded";
    ASSERT_TRUE((*queue)->succeed((*claimed)->lease, "last").ok());
  }
  const QueueCounts counts = *(*queue)->counts();
  EXPECT_EQ(counts.queued + counts.scheduled + counts.running + counts.failed, 0);
  EXPECT_GE(counts.succeeded, int64_t(submitted_.size()));
  RecordProperty("submitted", int(submitted_.size()));
  RecordProperty("succeeded_before_kills", int(succeeded_.size()));
}

}  // namespace
}  // namespace maie::queue
