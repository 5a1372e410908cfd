#include "server/metrics_gauges.h"

#include <sys/statvfs.h>

#include <algorithm>

#include "server/metrics_families.h"
#include "server/process_numbers.h"

namespace maie::server {
namespace {

using Labels = std::map<std::string, std::string>;

constexpr char kDevice[] = "cpu";  // of all models that this program can load today
constexpr size_t kMostModels = 64;

prometheus::MetricType type_of(const MetricSpec& spec) {
  switch (spec.type) {
    case MetricSpec::Type::kCounter: return prometheus::MetricType::Counter;
    case MetricSpec::Type::kHistogram: return prometheus::MetricType::Histogram;
    case MetricSpec::Type::kGauge: break;
  }
  return prometheus::MetricType::Gauge;
}

prometheus::MetricFamily empty_family(const MetricSpec& spec) {
  return {.name = spec.name, .help = spec.help, .type = type_of(spec), .metric = {}};
}

}  // namespace

void GaugeFamilies::add(const char* name, const Labels& labels, double value) {
  auto found = families_.find(name);
  if (found == families_.end())
    found = families_.emplace(name, empty_family(metric_spec(name))).first;
  prometheus::ClientMetric metric;
  for (const auto& [label, text] : labels) metric.label.push_back({label, text});
  metric.gauge.value = value;
  metric.counter.value = value;
  found->second.metric.push_back(std::move(metric));
}

void GaugeFamilies::move_to(std::vector<prometheus::MetricFamily>& families) {
  for (auto& [name, family] : families_) families.push_back(std::move(family));
  families_.clear();
  std::set<std::string> there;
  for (const prometheus::MetricFamily& family : families) there.insert(family.name);
  for (const MetricSpec& spec : metric_specs()) {
    if (there.count(spec.name) == 0) families.push_back(empty_family(spec));
  }
}

void add_queue_gauges(GaugeFamilies& gauges, queue::TaskQueue& queue) {
  const Result<queue::QueueCounts> counts = queue.counts();
  gauges.add("maie_queue_backend_up", {{"backend", std::string(queue.engine())}},
             counts.has_value() && queue.ping().ok() ? 1 : 0);
  if (!counts.has_value()) return;
  const std::pair<const char*, int64_t> states[] = {{"queued", counts->queued},
                                                    {"running", counts->running},
                                                    {"scheduled", counts->scheduled},
                                                    {"dead", counts->dead}};
  for (const auto& [state, count] : states)
    gauges.add("maie_jobs", {{"state", state}}, double(count));
}

std::vector<worker::WorkerStatus> add_worker_gauges(GaugeFamilies& gauges,
                                                    queue::TaskQueue& queue) {
  Result<worker::LivingWorkers> living = worker::living_workers(queue);
  if (!living.has_value()) return {};
  gauges.add("maie_workers", {}, double(living->count));
  std::vector<worker::WorkerStatus>& workers = living->statuses;
  std::map<std::string, uint64_t> bytes;  // of models that a worker could load; 0: none has
  double budget = 0, reserved = 0;
  for (const worker::WorkerStatus& status : workers) {
    budget += double(status.budget_bytes);
    reserved += double(status.reserved_bytes);
    for (const auto& offer : status.offers) bytes[offer.name] += 0;
    for (const worker::ResidentModel& model : status.models) bytes[model.name] += model.bytes;
  }
  if (workers.empty()) return {};
  gauges.add("maie_memory_budget_bytes", {{"device", kDevice}}, budget);
  gauges.add("maie_memory_reserved_bytes", {{"device", kDevice}}, reserved);
  size_t shown = 0;
  for (const auto& entry : bytes) {  // clang 14 lets no lambda use the names of a binding
    const std::string& model = entry.first;
    if (++shown > kMostModels) break;
    const Labels labels = {{"model", model}, {"device", kDevice}};
    const bool loaded = std::any_of(workers.begin(), workers.end(), [&](const auto& worker) {
      return std::any_of(worker.models.begin(), worker.models.end(),
                         [&](const auto& resident) { return resident.name == model; });
    });
    gauges.add("maie_model_loaded", labels, loaded ? 1 : 0);
    gauges.add("maie_model_bytes", labels, double(entry.second));
  }
  return std::move(workers);
}

void add_process_gauges(GaugeFamilies& gauges) {
  const ProcessNumbers numbers = process_numbers();
  gauges.add("process_cpu_seconds_total", {}, numbers.cpu_seconds);
  gauges.add("process_start_time_seconds", {}, numbers.start_time_s);
  gauges.add("process_resident_memory_bytes", {}, double(numbers.resident_bytes));
  gauges.add("process_virtual_memory_bytes", {}, double(numbers.virtual_bytes));
  gauges.add("process_open_fds", {}, double(numbers.open_files));
  gauges.add("process_max_fds", {}, double(numbers.max_files));
}

void add_disk_gauges(GaugeFamilies& gauges, const std::string& folder) {
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) != 0) return;
  gauges.add("maie_disk_free_bytes", {}, double(disk.f_bavail) * double(disk.f_frsize));
  gauges.add("maie_disk_size_bytes", {}, double(disk.f_blocks) * double(disk.f_frsize));
}

std::vector<std::pair<std::string, double>> ModelLoads::fresh(
    const std::vector<worker::WorkerStatus>& workers) {
  std::set<std::string> now;
  std::vector<std::pair<std::string, double>> loads;
  for (const worker::WorkerStatus& worker : workers) {
    for (const worker::ResidentModel& model : worker.models) {
      if (model.load_s <= 0) continue;
      std::string key = worker.host + " " + std::to_string(worker.pid) + " " + model.name + " " +
                        std::to_string(model.load_s);
      if (seen_.count(key) == 0) loads.emplace_back(model.name, model.load_s);
      now.insert(std::move(key));
    }
  }
  seen_ = std::move(now);  // a model that was dropped and comes again is another load
  return loads;
}

}  // namespace maie::server
