#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maie::cli {

/// A sample of a page of metrics (text format 0.0.4).
struct MetricSample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

/// The samples of a page. Lines that are none are passed over: the page is another program's.
std::vector<MetricSample> read_metrics(std::string_view page);

/// The sum over all samples of that name whose labels include these; nullopt when there is none.
std::optional<double> metric_value(const std::vector<MetricSample>& samples, std::string_view name,
                                   const std::map<std::string, std::string>& labels = {});

}  // namespace maie::cli
