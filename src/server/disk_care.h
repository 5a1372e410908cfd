#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "config/settings.h"
#include "queue/task_queue.h"

namespace maie::server {

/// Where uploads in progress lie: on the file system of the audio folder, so that a finished one is
/// moved by a rename. What was left there a day ago is removed.
std::string spool_folder_of(const config::Settings& settings);

/// Retention, cleanup, watermark and emergency mode (docs/spec/service.md, 8): one timer thread,
/// which runs each job soon after the start and then at its interval. Any thread.
///
/// Ages are measured by a wall clock that is not believed when it jumps ahead of the clock since
/// boot, until it has stayed there for a day: a wrong date removes nothing.
class DiskCare {
 public:
  /// @param first_run  after the start: the server is up before it tidies
  DiskCare(const config::Settings& settings, queue::TaskQueue& queue,
           const Clock& clock = system_clock(),
           std::chrono::milliseconds first_run = std::chrono::seconds(10));
  ~DiskCare();

  /// Whether an upload may begin; else kResourceExhausted (answered 507).
  Status room_for_upload(uint64_t bytes) const;

  /// The jobs, also run by the timer; each returns its report (section 8 of the specification).
  /// With `dry_run` nothing is changed, and `would_delete` says what would be.
  ///
  /// Folders of the audio folder, each named by a task: gone when the task ended
  /// cleanup.audio_retention_days ago (failed_retention_days for a failed one), or when no task is
  /// left and the folder is that old. Those of waiting and running tasks are never touched, nor is
  /// anything whose name is no task's.
  Json clean_audio(bool dry_run);
  /// Rotated files of logging.dir past cleanup.logs_retention_days; never those that a process
  /// may be writing.
  Json clean_logs(bool dry_run);
  /// Records of tasks past their time, and what uploads left behind.
  Json clean_cache(bool dry_run);
  /// The watermark; above it, with cleanup.emergency_cleanup, the first two jobs at once, with
  /// recordings of finished tasks kept for a day.
  Json check_disk();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maie::server
