#include "server/disk_care.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/human_size.h"
#include "base/log.h"
#include "server/believed_clock.h"
#include "server/disk_facts.h"
#include "server/folder_removal.h"
#include "server/upload.h"

namespace maie::server {
namespace {

namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

constexpr double kMebibyte = 1 << 20;
constexpr double kGibibyte = 1 << 30;
constexpr int64_t kDayMs = 24 * 3600 * 1000;
constexpr double kEmergencyDays = 1;        // recordings of finished tasks in an emergency
constexpr int64_t kOrphanMs = 3600 * 1000;  // a younger folder may belong to an upload that ends
constexpr int64_t kSpoolMs = kDayMs;        // no upload takes so long
constexpr char kUnreachable[] = "redis_unavailable";  // the word of docs/spec/service.md, 8

double rounded(double value) { return std::round(value * 100) / 100; }

double percent_of(const DiskSpace& space) {
  return space.total == 0 ? 0 : rounded(100.0 * double(space.used) / double(space.total));
}

// A process may still write to "app.log" or "errors.worker-1.log", however long ago it last did;
// "app.1.log" and "app.log.1" were rotated away (base/log.h).
bool is_live_log(const std::string& name) {
  const fs::path path(name);
  if (path.extension() != ".log") return false;
  const std::string number = path.stem().extension().string();
  return number.size() < 2 || number.find_first_not_of("0123456789", 1) != std::string::npos;
}

}  // namespace

std::string spool_folder_of(const config::Settings& settings) {
  return settings.paths.audio_dir + "/.spool";
}

struct DiskCare::State {
  State(const config::Settings& from, queue::TaskQueue& tasks, const Clock& time)
      : settings(from), queue(tasks), clock(time) {}

  enum class Fate { kKeep, kRemove, kTidy };  // tidy: only what is made again from the recording
  Result<Fate> fate_of(const FolderEntry& folder, double days, double failed_days);
  Json clean_audio(bool dry_run, double days, double failed_days);

  const config::Settings& settings;
  queue::TaskQueue& queue;
  BelievedClock clock;
  std::mutex jobs_mutex;  // one job at a time
  std::mutex mutex;       // guards stop
  std::condition_variable wake;
  bool stop = false;
  std::thread timer;
};

Result<DiskCare::State::Fate> DiskCare::State::fate_of(const FolderEntry& folder, double days,
                                                       double failed_days) {
  const int64_t now = clock.now_ms();
  MAIE_ASSIGN(const std::optional<queue::Task> task, queue.find(folder.name));
  if (!task.has_value()) {
    const int64_t keep = std::max(int64_t(days * double(kDayMs)), kOrphanMs);
    return now - folder.modified_ms > keep ? Fate::kRemove : Fate::kKeep;
  }
  if (!queue::is_final(task->state)) return Fate::kKeep;
  const double kept = task->state == queue::TaskState::kFailed ? failed_days : days;
  const int64_t ended = task->finished.value_or(task->updated);
  return now - ended > int64_t(kept * double(kDayMs)) ? Fate::kRemove : Fate::kTidy;
}

Json DiskCare::State::clean_audio(bool dry_run, double days, double failed_days) {
  const std::string& root = settings.paths.audio_dir;
  int64_t checked = 0, deleted = 0, would_delete = 0, failures = 0;
  uint64_t freed = 0;
  bool reachable = true;
  std::error_code error;
  const bool there = fs::is_directory(root, error);
  for (const FolderEntry& folder : entries_of(root, S_IFDIR)) {
    if (!is_task_id(folder.name)) continue;
    ++checked;
    if (!reachable) continue;
    const Result<Fate> fate = fate_of(folder, days, failed_days);
    if (!fate.has_value()) {
      log_warning("recordings are not tidied, the queue does not answer: " +
                  fate.error().message());
      reachable = false;
      continue;
    }
    if (*fate == Fate::kTidy && !dry_run)
      fs::remove(fs::path(root) / folder.name / "preprocessed.wav", error);
    if (*fate != Fate::kRemove) continue;
    ++would_delete;
    if (dry_run) {
      log_info("would remove the recording of task " + folder.name);
      continue;
    }
    const FolderRemoval removal = remove_folder(root, folder.name);
    freed += removal.bytes;
    deleted += removal.removed ? 1 : 0;
    failures += removal.failures;
    if (removal.failures > 0) {
      log_warning("the recording of task " + folder.name +
                  " could not be removed whole: " + removal.first_failure);
    }
  }
  Json report = {{"checked", checked}, {"deleted", deleted}, {"skipped", checked - deleted}};
  if (there) report["directory_size_mb"] = rounded(double(folder_bytes(root)) / kMebibyte);
  report["space_freed_mb"] = rounded(double(freed) / kMebibyte);
  report["failures"] = failures;
  if (dry_run) report["would_delete"] = would_delete;
  if (!reachable) report["error"] = kUnreachable;
  return report;
}

DiskCare::DiskCare(const config::Settings& settings, queue::TaskQueue& queue, const Clock& clock,
                   std::chrono::milliseconds first_run)
    : state_(std::make_unique<State>(settings, queue, clock)) {
  const auto first = Steady::now() + first_run;
  state_->timer = std::thread([this, first] {
    struct Job {
      double interval_s;
      std::function<void()> run;
      Steady::time_point next;
    };
    const config::CleanupSettings& every = state_->settings.cleanup;
    Job jobs[] = {{every.disk_interval_s, [this] { (void)check_disk(); }, first},
                  {every.cache_interval_s, [this] { (void)clean_cache(false); }, first},
                  {every.audio_interval_s, [this] { (void)clean_audio(false); }, first},
                  {every.log_interval_s, [this] { (void)clean_logs(false); }, first}};
    std::unique_lock lock(state_->mutex);
    while (!state_->stop) {
      Job& next = *std::min_element(std::begin(jobs), std::end(jobs),
                                    [](const Job& a, const Job& b) { return a.next < b.next; });
      if (state_->wake.wait_until(lock, next.next, [this] { return state_->stop; })) break;
      lock.unlock();
      next.run();
      next.next = Steady::now() + std::chrono::milliseconds(int64_t(next.interval_s * 1000));
      lock.lock();
    }
  });
}

DiskCare::~DiskCare() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stop = true;
  }
  state_->wake.notify_all();
  state_->timer.join();
}

Status DiskCare::room_for_upload(uint64_t bytes) const {
  const Result<DiskSpace> space = space_of(state_->settings.paths.audio_dir);
  if (!space.has_value()) return {};  // writing will say what is wrong
  const double kept = state_->settings.cleanup.min_free_mb * kMebibyte;
  if (double(space->free) - double(bytes) >= kept) return {};
  return resource_exhausted(
      "the disk of this server is too full for this upload: " + human_size(space->free) +
      " are free, " + human_size(bytes) + " are to come, and " + human_size(uint64_t(kept)) +
      " stay free; try again later");
}

Json DiskCare::clean_audio(bool dry_run) {
  const std::scoped_lock lock(state_->jobs_mutex);
  const config::CleanupSettings& keep = state_->settings.cleanup;
  return state_->clean_audio(dry_run, keep.audio_retention_days, keep.failed_retention_days);
}

Json DiskCare::clean_logs(bool dry_run) {
  const std::scoped_lock lock(state_->jobs_mutex);
  const std::string& folder = state_->settings.logging.dir;
  const double days = state_->settings.cleanup.logs_retention_days;
  int64_t checked = 0, deleted = 0, would_delete = 0;
  uint64_t freed = 0;
  const std::vector<FolderEntry> files =
      folder.empty() ? std::vector<FolderEntry>() : entries_of(folder, S_IFREG);
  for (const FolderEntry& file : files) {
    if (file.name.find(".log") == std::string::npos || is_live_log(file.name)) continue;
    ++checked;
    if (state_->clock.now_ms() - file.modified_ms <= int64_t(days * double(kDayMs))) continue;
    ++would_delete;
    std::error_code error;
    if (dry_run) {
      log_info("would remove the log file " + file.name);
    } else if (fs::remove(fs::path(folder) / file.name, error)) {
      ++deleted;
      freed += file.bytes;
    } else {
      log_warning("the log file " + file.name + " could not be removed: " + error.message());
    }
  }
  Json report = {{"checked", checked},
                 {"deleted", deleted},
                 {"space_freed_mb", rounded(double(freed) / kMebibyte)}};
  if (dry_run) report["would_delete"] = would_delete;
  return report;
}

Json DiskCare::clean_cache(bool dry_run) {
  const std::scoped_lock lock(state_->jobs_mutex);
  const auto kept = [](const queue::QueueCounts& counts) {
    return counts.succeeded + counts.failed + counts.cancelled;
  };
  const auto open = [](const queue::QueueCounts& counts) {
    return counts.queued + counts.scheduled + counts.running;
  };
  const auto failure = [](const Status& status) {
    return Json{{"error", kUnreachable}, {"details", status.message()}};
  };
  const Result<queue::QueueCounts> before = state_->queue.counts();
  if (!before.has_value()) return failure(before.error());
  int64_t removed = 0;
  if (!dry_run) {
    const Result<queue::Maintenance> done = state_->queue.maintain();
    if (!done.has_value()) return failure(done.error());
    removed = int64_t(done->removed.size());
  }
  const Result<queue::QueueCounts> after = state_->queue.counts();
  if (!after.has_value()) return failure(after.error());
  int64_t leftovers = 0;
  const std::string spool = spool_folder_of(state_->settings);
  for (const FolderEntry& file : entries_of(spool, S_IFREG)) {
    if (state_->clock.now_ms() - file.modified_ms <= kSpoolMs) continue;
    std::error_code error;
    if (dry_run || fs::remove(fs::path(spool) / file.name, error)) ++leftovers;
  }
  return {{"results_db_keys_before", kept(*before)},
          {"results_db_keys_after", kept(*after)},
          {"queue_db_keys_before", open(*before)},
          {"queue_db_keys_after", open(*after)},
          {"rq_jobs_cleaned", removed},
          {"upload_leftovers", leftovers},
          {"ttl_handling", "records go when their time is over, counted from the end of the task"}};
}

Json DiskCare::check_disk() {
  const config::CleanupSettings& care = state_->settings.cleanup;
  const Result<DiskSpace> space = space_of(care.check_dir);
  if (!space.has_value()) {
    log_warning("the disk cannot be watched: " + space.error().message());
    return {{"check_dir", care.check_dir}, {"error", space.error().message()}};
  }
  const bool alert = percent_of(*space) >= care.disk_threshold_pct;
  Json report = {{"usage_percent", percent_of(*space)},
                 {"usage_gb", rounded(double(space->used) / kGibibyte)},
                 {"total_gb", rounded(double(space->total) / kGibibyte)},
                 {"check_dir", care.check_dir},
                 {"threshold_percent", care.disk_threshold_pct},
                 {"alert", alert}};
  if (!alert) return report;
  char percent[32];
  std::snprintf(percent, sizeof percent, "%.2f", percent_of(*space));
  log_warning("the disk is " + std::string(percent) + " % full, " + human_size(space->free) +
              " are free" + (care.emergency_cleanup ? ": emergency cleanup" : ""));
  if (!care.emergency_cleanup) return report;
  const double days = std::min(care.audio_retention_days, kEmergencyDays);
  const double failed_days = std::min(care.failed_retention_days, kEmergencyDays);
  Json audio;
  {
    const std::scoped_lock lock(state_->jobs_mutex);
    audio = state_->clean_audio(false, days, failed_days);
  }
  report["emergency_cleanup"] = {{"audio", std::move(audio)}, {"logs", clean_logs(false)}};
  const Result<DiskSpace> after = space_of(care.check_dir);
  if (!after.has_value()) return report;
  report["cleanup_effective"] = percent_of(*after) < care.disk_threshold_pct;
  report["usage_percent_after"] = percent_of(*after);
  report["usage_gb_after"] = rounded(double(after->used) / kGibibyte);
  return report;
}

}  // namespace maie::server
