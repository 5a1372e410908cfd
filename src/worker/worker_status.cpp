#include "worker/worker_status.h"

#include <algorithm>
#include <chrono>

#include "base/json.h"

namespace maie::worker {
namespace {

constexpr std::chrono::seconds kAlive{30};

Json models_of(const std::vector<ResidentModel>& models) {
  Json list = Json::array();
  for (const ResidentModel& model : models) {
    list.push_back({{"name", model.name},
                    {"task", model.task},
                    {"bytes", model.bytes},
                    {"borrowers", model.borrowers},
                    {"idle_s", model.idle_s},
                    {"load_s", model.load_s}});
  }
  return list;
}

Json offers_of(const std::vector<WorkerStatus::Offered>& offers) {
  Json list = Json::array();
  for (const WorkerStatus::Offered& offer : offers) {
    list.push_back({{"name", offer.name},
                    {"task", offer.task},
                    {"need_bytes", offer.need_bytes},
                    {"problem", offer.problem}});
  }
  return list;
}

uint64_t bytes_of(const Json& json, const char* key) {
  return uint64_t(std::max<int64_t>(json_int(json, key, 0), 0));
}

// The items of an array; none where it is something else.
const Json& list_of(const Json& json, const char* key) {
  static const Json kNone = Json::array();
  const auto found = json.find(key);
  return found != json.end() && found->is_array() ? *found : kNone;
}

}  // namespace

std::string to_text(const WorkerStatus& status) {
  const Json json = {{"host", status.host},
                     {"pid", status.pid},
                     {"version", status.version},
                     {"jobs", status.jobs},
                     {"interactive", status.interactive},
                     {"tasks", status.tasks},
                     {"budget_bytes", status.budget_bytes},
                     {"reserved_bytes", status.reserved_bytes},
                     {"resident_bytes", status.resident_bytes},
                     {"models", models_of(status.models)},
                     {"offers", offers_of(status.offers)}};
  return to_line(json);
}

Result<WorkerStatus> worker_status_of(std::string_view text) {
  MAIE_ASSIGN(const Json json, parse_json(text));
  if (!json.is_object()) return corrupt("the status of a worker: an object was expected");
  WorkerStatus status;
  status.host = json_string(json, "host", "");
  status.pid = json_int(json, "pid", 0);
  status.version = json_string(json, "version", "");
  status.jobs = int(json_int(json, "jobs", 0));
  status.interactive = int(json_int(json, "interactive", 0));
  for (const Json& task : list_of(json, "tasks"))
    if (task.is_string()) status.tasks.push_back(task.get<std::string>());
  status.budget_bytes = bytes_of(json, "budget_bytes");
  status.reserved_bytes = bytes_of(json, "reserved_bytes");
  status.resident_bytes = bytes_of(json, "resident_bytes");
  for (const Json& model : list_of(json, "models")) {
    status.models.push_back({json_string(model, "name", ""), json_string(model, "task", ""),
                             bytes_of(model, "bytes"), int(json_int(model, "borrowers", 0)),
                             json_number(model, "idle_s", 0), json_number(model, "load_s", 0)});
  }
  for (const Json& offer : list_of(json, "offers")) {
    status.offers.push_back({json_string(offer, "name", ""), json_string(offer, "task", ""),
                             bytes_of(offer, "need_bytes"), json_string(offer, "problem", "")});
  }
  return status;
}

Result<LivingWorkers> living_workers(queue::TaskQueue& queue) {
  MAIE_ASSIGN(const std::vector<queue::WorkerRecord> records, queue.workers(kAlive));
  LivingWorkers living{.count = int64_t(records.size()), .statuses = {}};
  for (const queue::WorkerRecord& record : records) {
    Result<WorkerStatus> status = worker_status_of(record.status);
    if (status.has_value()) living.statuses.push_back(std::move(*status));
  }
  return living;
}

}  // namespace maie::worker
