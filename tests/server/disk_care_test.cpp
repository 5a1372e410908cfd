#include "server/disk_care.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "server/believed_clock.h"
#include "server/folder_removal.h"
#include "tests/server/scripted_queue.h"

namespace maie::server {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kHour = 3600 * 1000;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kNow = 1'800'000'000'000;

std::string id_of(int number) {
  char id[40];
  std::snprintf(id, sizeof id, "00000000-0000-4000-8000-%012d", number);
  return id;
}

// A clock that a test sets.
struct SetClock : Clock {
  int64_t wall = 0, boot = 0;
  int64_t wall_ms() const override { return wall; }
  int64_t boot_ms() const override { return boot; }
  std::string boot_id() const override { return "one"; }
};

class DiskCareTest : public ::testing::Test {
 protected:
  DiskCareTest() {
    std::string pattern = (fs::temp_directory_path() / "disk_care.XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    fs::permissions(root_, fs::perms::owner_all | fs::perms::group_all | fs::perms::others_all);
    settings_.paths.data_dir = root_;
    settings_.paths.audio_dir = (root_ / "audio").string();
    settings_.logging.dir = (root_ / "logs").string();
    settings_.cleanup.check_dir = root_.string();
    fs::create_directories(settings_.paths.audio_dir);
    fs::create_directories(settings_.logging.dir);
    clock_.wall = kNow;
    clock_.boot = kDay;
  }
  ~DiskCareTest() override {
    std::error_code error;
    fs::remove_all(root_, error);
  }

  void later(int64_t ms) {
    clock_.wall += ms;
    clock_.boot += ms;
  }
  fs::path audio() const { return settings_.paths.audio_dir; }

  static void set_age(const fs::path& path, int64_t age_ms) {
    const int64_t at = kNow - age_ms;
    const timespec times[2] = {{at / 1000, 0}, {at / 1000, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
  }
  static void write(const fs::path& path, size_t bytes = 10) {
    std::ofstream(path) << std::string(bytes, 'x');
  }
  fs::path folder(int number, int64_t age_ms) {
    const fs::path path = audio() / id_of(number);
    fs::create_directory(path);
    write(path / "raw.wav", 5000);
    set_age(path, age_ms);
    return path;
  }
  void task(int number, queue::TaskState state, int64_t finished_ago) {
    queue::Task task;
    task.id = id_of(number);
    task.state = state;
    task.created = kNow - finished_ago;
    task.updated = task.created;
    if (queue::TaskState::kQueued != state && queue::TaskState::kRunning != state)
      task.finished = kNow - finished_ago;
    queue_.tasks[task.id] = task;
  }

  fs::path root_;
  config::Settings settings_;
  ScriptedQueue queue_;
  SetClock clock_;
};

TEST_F(DiskCareTest, RemovesRecordingsPastTheirTimeAndNoOthers) {
  using enum queue::TaskState;
  task(1, kSucceeded, 8 * kDay);
  task(2, kSucceeded, 6 * kDay);
  task(3, kFailed, 8 * kDay);
  task(4, kFailed, 15 * kDay);
  task(5, kQueued, 90 * kDay);
  task(6, kRunning, 90 * kDay);
  task(7, kCancelled, 8 * kDay);
  for (int number = 1; number <= 7; ++number) folder(number, 90 * kDay);
  folder(8, 8 * kDay);  // of no task
  folder(9, 6 * kDay);
  fs::create_directory(audio() / "music");  // not ours
  set_age(audio() / "music", 90 * kDay);

  DiskCare care(settings_, queue_, clock_);
  const Json plan = care.clean_audio(true);
  EXPECT_EQ(plan["would_delete"], 4);
  EXPECT_EQ(plan["deleted"], 0);
  EXPECT_TRUE(fs::exists(audio() / id_of(1)));

  const Json report = care.clean_audio(false);
  EXPECT_EQ(report["checked"], 9);
  EXPECT_EQ(report["deleted"], 4);
  EXPECT_EQ(report["skipped"], 5);
  EXPECT_EQ(report["failures"], 0);
  EXPECT_GT(report["space_freed_mb"], 0.0);
  EXPECT_GT(report["directory_size_mb"], 0.0);
  EXPECT_FALSE(report.contains("error"));
  for (const int gone : {1, 4, 7, 8}) EXPECT_FALSE(fs::exists(audio() / id_of(gone))) << gone;
  for (const int kept : {2, 3, 5, 6, 9}) EXPECT_TRUE(fs::exists(audio() / id_of(kept))) << kept;
  EXPECT_TRUE(fs::exists(audio() / "music"));
}

TEST_F(DiskCareTest, TidiesWhatWasMadeFromARecordingWhenItsTaskEnds) {
  task(1, queue::TaskState::kSucceeded, kHour);
  task(2, queue::TaskState::kRunning, kHour);
  for (const int number : {1, 2}) write(folder(number, kHour) / "preprocessed.wav");
  DiskCare care(settings_, queue_, clock_);
  (void)care.clean_audio(false);
  EXPECT_FALSE(fs::exists(audio() / id_of(1) / "preprocessed.wav"));
  EXPECT_TRUE(fs::exists(audio() / id_of(1) / "raw.wav"));
  EXPECT_TRUE(fs::exists(audio() / id_of(2) / "preprocessed.wav"));
}

TEST_F(DiskCareTest, LeavesAnUploadThatIsAboutToBecomeATask) {
  settings_.cleanup.audio_retention_days = 0;
  folder(1, kHour / 2);
  folder(2, 2 * kHour);
  DiskCare care(settings_, queue_, clock_);
  EXPECT_EQ(care.clean_audio(false)["deleted"], 1);
  EXPECT_TRUE(fs::exists(audio() / id_of(1)));
}

TEST_F(DiskCareTest, RemovesNothingWhileTheQueueDoesNotAnswer) {
  folder(1, 90 * kDay);
  folder(2, 90 * kDay);
  queue_.down = true;
  DiskCare care(settings_, queue_, clock_);
  const Json report = care.clean_audio(false);
  EXPECT_EQ(report["error"], "redis_unavailable");
  EXPECT_EQ(report["deleted"], 0);
  EXPECT_EQ(report["skipped"], 2);
  EXPECT_EQ(care.clean_cache(false)["error"], "redis_unavailable");
  EXPECT_TRUE(fs::exists(audio() / id_of(1)));
}

TEST_F(DiskCareTest, WithoutAudioFolderThereIsNothingToDo) {
  fs::remove(audio());
  DiskCare care(settings_, queue_, clock_);
  const Json report = care.clean_audio(false);
  EXPECT_EQ(report["checked"], 0);
  EXPECT_FALSE(report.contains("directory_size_mb"));
}

TEST_F(DiskCareTest, FollowsNoLinks) {
  const fs::path outside = root_ / "outside";
  fs::create_directory(outside);
  write(outside / "precious");
  fs::create_directory_symlink(outside, folder(1, 90 * kDay) / "link");
  fs::create_symlink(outside / "precious", audio() / id_of(1) / "file");
  set_age(audio() / id_of(1), 90 * kDay);
  fs::create_directory_symlink(outside, audio() / id_of(2));  // in the place of a folder
  DiskCare care(settings_, queue_, clock_);
  EXPECT_EQ(care.clean_audio(false)["deleted"], 1);
  EXPECT_FALSE(fs::exists(audio() / id_of(1)));
  EXPECT_TRUE(fs::exists(outside / "precious"));
  EXPECT_TRUE(fs::is_symlink(audio() / id_of(2)));
}

TEST_F(DiskCareTest, WhatCannotBeRemovedDoesNotKeepTheRest) {
  const fs::path stuck = folder(1, 90 * kDay) / "locked";
  fs::create_directory(stuck);
  write(stuck / "held");
  set_age(audio() / id_of(1), 90 * kDay);
  folder(2, 90 * kDay);
  fs::permissions(stuck, fs::perms::owner_read | fs::perms::owner_exec);
  const bool root = geteuid() == 0;
  constexpr uid_t kNobody = 65534;
  if (root) {  // for whom permissions do not count
    for (const fs::path& path : {audio(), audio() / id_of(1), stuck, audio() / id_of(2)})
      ASSERT_EQ(chown(path.c_str(), kNobody, gid_t(-1)), 0);
  }
  Json report;
  {
    DiskCare care(settings_, queue_, clock_);
    if (root && seteuid(kNobody) != 0) GTEST_SKIP() << "this sandbox lets nobody change its user";
    report = care.clean_audio(false);
    ASSERT_TRUE(!root || seteuid(0) == 0);
  }
  EXPECT_EQ(report["deleted"], 1);
  EXPECT_EQ(report["failures"], 1);
  EXPECT_TRUE(fs::exists(stuck / "held"));
  EXPECT_FALSE(fs::exists(audio() / id_of(1) / "raw.wav"));
  EXPECT_FALSE(fs::exists(audio() / id_of(2)));
  fs::permissions(stuck, fs::perms::owner_all);
}

TEST_F(DiskCareTest, AWrongDateRemovesNothing) {
  task(1, queue::TaskState::kSucceeded, kHour);
  folder(1, kHour);
  DiskCare care(settings_, queue_, clock_);
  clock_.wall += 400 * kDay;
  EXPECT_EQ(care.clean_audio(false)["deleted"], 0);
  later(kDay / 2);
  EXPECT_EQ(care.clean_audio(false)["deleted"], 0);
  clock_.wall -= 400 * kDay;  // set right again
  EXPECT_EQ(care.clean_audio(false)["deleted"], 0);
  later(8 * kDay);
  EXPECT_EQ(care.clean_audio(false)["deleted"], 1);
}

TEST_F(DiskCareTest, RemovesOldLogsButNotThoseBeingWritten) {
  const fs::path logs = settings_.logging.dir;
  for (const char* name :
       {"app.log", "errors.worker-1.log", "app.1.log", "app.log.2", "notes.txt"}) {
    write(logs / name, 2 << 20);
    set_age(logs / name, 8 * kDay);
  }
  write(logs / "app.3.log");
  set_age(logs / "app.3.log", 6 * kDay);
  DiskCare care(settings_, queue_, clock_);
  EXPECT_EQ(care.clean_logs(true)["would_delete"], 2);
  const Json report = care.clean_logs(false);
  EXPECT_EQ(report["deleted"], 2);
  EXPECT_EQ(report["space_freed_mb"], 4.0);
  for (const char* kept : {"app.log", "errors.worker-1.log", "app.3.log", "notes.txt"})
    EXPECT_TRUE(fs::exists(logs / kept)) << kept;
}

TEST_F(DiskCareTest, DropsExpiredRecordsAndWhatUploadsLeft) {
  queue_.numbers.queued = 2;
  queue_.numbers.scheduled = queue_.numbers.running = queue_.numbers.failed = 1;
  queue_.numbers.succeeded = 5;
  queue_.maintenance.removed = {id_of(1), id_of(2)};
  const fs::path spool = spool_folder_of(settings_);
  fs::create_directories(spool);
  write(spool / "old");
  set_age(spool / "old", 2 * kDay);
  write(spool / "new");
  set_age(spool / "new", kHour);
  DiskCare care(settings_, queue_, clock_);
  (void)care.clean_cache(true);
  EXPECT_EQ(queue_.maintained, 0);
  const Json report = care.clean_cache(false);
  EXPECT_EQ(queue_.maintained, 1);
  EXPECT_EQ(report["rq_jobs_cleaned"], 2);
  EXPECT_EQ(report["queue_db_keys_before"], 4);
  EXPECT_EQ(report["results_db_keys_after"], 6);
  EXPECT_EQ(report["upload_leftovers"], 1);
  EXPECT_FALSE(fs::exists(spool / "old"));
  EXPECT_TRUE(fs::exists(spool / "new"));
  EXPECT_TRUE(report["ttl_handling"].is_string());
}

TEST_F(DiskCareTest, SaysHowFullTheDiskIs) {
  settings_.cleanup.disk_threshold_pct = 100.1;
  DiskCare care(settings_, queue_, clock_);
  const Json report = care.check_disk();
  EXPECT_GT(report["total_gb"], 0.0);
  EXPECT_GE(report["total_gb"], report["usage_gb"]);
  EXPECT_EQ(report["check_dir"], root_.string());
  EXPECT_EQ(report["alert"], false);
  EXPECT_FALSE(report.contains("emergency_cleanup"));
}

TEST_F(DiskCareTest, AnEmergencyKeepsRecordingsForADay) {
  settings_.cleanup.disk_threshold_pct = 0;
  task(1, queue::TaskState::kSucceeded, 2 * kDay);
  task(2, queue::TaskState::kSucceeded, kHour);
  task(3, queue::TaskState::kRunning, 9 * kDay);
  for (const int number : {1, 2, 3}) folder(number, 9 * kDay);
  {
    DiskCare care(settings_, queue_, clock_);
    const Json report = care.check_disk();
    EXPECT_EQ(report["alert"], true);
    EXPECT_FALSE(report.contains("emergency_cleanup"));
    EXPECT_TRUE(fs::exists(audio() / id_of(1)));
  }
  settings_.cleanup.emergency_cleanup = true;
  DiskCare care(settings_, queue_, clock_);
  const Json report = care.check_disk();
  EXPECT_EQ(report["emergency_cleanup"]["audio"]["deleted"], 1);
  EXPECT_TRUE(report["emergency_cleanup"]["logs"].contains("deleted"));
  EXPECT_EQ(report["cleanup_effective"], false);  // nothing is below a threshold of 0
  EXPECT_TRUE(report.contains("usage_percent_after"));
  EXPECT_FALSE(fs::exists(audio() / id_of(1)));
  EXPECT_TRUE(fs::exists(audio() / id_of(2)));
  EXPECT_TRUE(fs::exists(audio() / id_of(3)));
}

TEST_F(DiskCareTest, TheTimerRunsEveryJobAtItsInterval) {
  settings_.cleanup.audio_interval_s = settings_.cleanup.cache_interval_s = 0.02;
  folder(1, 90 * kDay);
  DiskCare care(settings_, queue_, clock_, std::chrono::milliseconds(0));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while ((queue_.maintained < 3 || fs::exists(audio() / id_of(1))) &&
         std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_GE(queue_.maintained, 3);
  EXPECT_FALSE(fs::exists(audio() / id_of(1)));
}

TEST_F(DiskCareTest, ADiskThatCannotBeAskedIsAnErrorOfThatJobAlone) {
  settings_.cleanup.check_dir = (root_ / "absent").string();
  DiskCare care(settings_, queue_, clock_);
  EXPECT_TRUE(care.check_disk().contains("error"));
  EXPECT_EQ(care.clean_audio(false)["checked"], 0);
}

TEST_F(DiskCareTest, AnUploadNeedsRoomBeyondWhatIsKeptFree) {
  settings_.cleanup.min_free_mb = 0;
  DiskCare care(settings_, queue_, clock_);
  EXPECT_TRUE(care.room_for_upload(1).ok());
  const Status refused = care.room_for_upload(uint64_t{1} << 60);
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_EQ(refused.message().find(root_.string()), std::string::npos);  // no path of the machine
  settings_.cleanup.min_free_mb = 1e15;
  EXPECT_EQ(care.room_for_upload(0).code(), Code::kResourceExhausted);
}

TEST(BelievedClock, BelievesAJumpThatLastsADay) {
  SetClock time;
  time.wall = 1000 * kDay;
  time.boot = 5 * kDay;
  BelievedClock clock(time);
  const auto pass = [&](int64_t ms) {
    time.wall += ms;
    time.boot += ms;
  };
  EXPECT_EQ(clock.now_ms(), 1000 * kDay);
  time.wall += 50 * kDay;  // a board without battery learns the date
  EXPECT_EQ(clock.now_ms(), 1000 * kDay);
  pass(kDay / 2);
  EXPECT_EQ(clock.now_ms(), 1000 * kDay + kDay / 2);
  pass(kDay / 2);
  EXPECT_EQ(clock.now_ms(), time.wall);
  time.wall -= 10 * kDay;  // backward is believed at once: it makes things younger
  EXPECT_EQ(clock.now_ms(), time.wall);
}

TEST(FolderRemoval, SaysWhyAFolderStays) {
  const FolderRemoval removal = remove_folder("/proc", "no-such-folder");
  EXPECT_FALSE(removal.removed);
  EXPECT_EQ(removal.failures, 1);
  EXPECT_NE(removal.first_failure.find("no-such-folder"), std::string::npos);
}

}  // namespace
}  // namespace maie::server
