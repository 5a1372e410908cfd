#pragma once

#include <memory>

#include "base/json.h"
#include "config/settings.h"
#include "queue/task_queue.h"

namespace maie::server {

/// Retention, cleanup, watermark and emergency mode (docs/spec/service.md, 8): one timer thread.
class DiskCare {
 public:
  DiskCare(const config::Settings& settings, queue::TaskQueue& queue);
  ~DiskCare();

  /// Whether an upload may begin; else kResourceExhausted (answered 507).
  Status room_for_upload(uint64_t bytes) const;

  /// The jobs, also run by the timer; each returns its report (section 8 of the specification).
  Json clean_audio(bool dry_run);
  Json clean_logs(bool dry_run);
  Json clean_cache(bool dry_run);
  Json check_disk();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maie::server
