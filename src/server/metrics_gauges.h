#pragma once

#include <prometheus/metric_family.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "queue/task_queue.h"
#include "worker/worker_status.h"

namespace maie::server {

/// Gauges (and counters of the system) that are asked for when the page of metrics is made.
class GaugeFamilies {
 public:
  /// @param name  one of metric_specs()
  void add(const char* name, const std::map<std::string, std::string>& labels, double value);
  /// Appends them, and an empty family for each of the table that `families` still lacks.
  void move_to(std::vector<prometheus::MetricFamily>& families);

 private:
  std::map<std::string, prometheus::MetricFamily, std::less<>> families_;
};

/// Tasks by state, and whether the queue answers.
void add_queue_gauges(GaugeFamilies& gauges, queue::TaskQueue& queue);
/// Workers, their models and memory. @returns what the workers said, for ModelLoads.
std::vector<worker::WorkerStatus> add_worker_gauges(GaugeFamilies& gauges, queue::TaskQueue& queue);
void add_process_gauges(GaugeFamilies& gauges);
void add_disk_gauges(GaugeFamilies& gauges, const std::string& folder);

/// Knows which loads of models were counted. One thread at a time.
class ModelLoads {
 public:
  /// Name and seconds of each load that was not there the last time.
  std::vector<std::pair<std::string, double>> fresh(
      const std::vector<worker::WorkerStatus>& workers);

 private:
  std::set<std::string> seen_;
};

}  // namespace maie::server
