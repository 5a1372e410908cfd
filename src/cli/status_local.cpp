#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>

#include "cli/status_sources.h"
#include "queue/sqlite_queue.h"
#include "server/status_view.h"
#include "worker/worker_status.h"

namespace maie::cli {
namespace {

// Opening makes a queue where there is none, which a question should not.
Result<std::unique_ptr<queue::TaskQueue>> open_queue(const config::Settings& settings) {
  const std::string& folder = settings.paths.data_dir;
  std::error_code error;
  if (!std::filesystem::exists(folder + "/queue.db", error)) {
    return not_found(folder +
                     ": there is no queue; name the service's folder with --data-dir, or "
                     "ask a server with --url");
  }
  return queue::open_sqlite_queue({.folder = folder, .check_first = false});
}

void take_workers(ServiceStatus& status, const worker::LivingWorkers& living) {
  status.workers = living.count;
  for (const worker::WorkerStatus& said : living.statuses) {
    if (status.version.empty()) status.version = said.version;
    status.memory_budget = status.memory_budget.value_or(0) + said.budget_bytes;
    status.memory_reserved = status.memory_reserved.value_or(0) + said.reserved_bytes;
    const auto model = [&](const std::string& name) -> ServiceStatus::Model& {
      const auto found = std::find_if(status.models.begin(), status.models.end(),
                                      [&](const auto& known) { return known.name == name; });
      if (found != status.models.end()) return *found;
      return status.models.emplace_back(ServiceStatus::Model{name, false, 0});
    };
    for (const auto& offer : said.offers) (void)model(offer.name);
    for (const worker::ResidentModel& resident : said.models) {
      ServiceStatus::Model& known = model(resident.name);
      known.loaded = true;
      known.bytes += resident.bytes;
    }
  }
}

}  // namespace

Result<ServiceStatus> local_service_status(const config::Settings& settings) {
  MAIE_ASSIGN(const std::unique_ptr<queue::TaskQueue> queue, open_queue(settings));
  ServiceStatus status;
  status.source = settings.paths.data_dir;
  MAIE_ASSIGN(const queue::QueueCounts counts, queue->counts());
  status.tasks = {{"queued", counts.queued},       {"scheduled", counts.scheduled},
                  {"running", counts.running},     {"dead", counts.dead},
                  {"succeeded", counts.succeeded}, {"failed", counts.failed},
                  {"cancelled", counts.cancelled}};
  MAIE_ASSIGN(const worker::LivingWorkers workers, worker::living_workers(*queue));
  take_workers(status, workers);
  struct statvfs disk {};
  if (statvfs(settings.paths.data_dir.c_str(), &disk) == 0) {
    status.disk_free = uint64_t{disk.f_bavail} * disk.f_frsize;
    status.disk_size = uint64_t{disk.f_blocks} * disk.f_frsize;
  }
  return status;
}

Result<TaskStatus> local_task_status(const config::Settings& settings, const std::string& id) {
  MAIE_ASSIGN(const std::unique_ptr<queue::TaskQueue> queue, open_queue(settings));
  MAIE_ASSIGN(const std::optional<queue::Task> found, queue->find(id));
  if (!found.has_value()) return not_found("Task " + id + " not found");
  MAIE_ASSIGN(const std::optional<queue::LiveProgress> progress, queue->progress(id));
  return task_status_from(server::task_view(*found, progress));
}

}  // namespace maie::cli
