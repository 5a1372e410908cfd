#pragma once

#include <map>
#include <string>
#include <vector>

namespace maie::server {

/// A page of metrics read back by the rules of the two text formats, with nothing of the program's.
struct MetricsPage {
  struct Sample {
    std::string name;
    std::map<std::string, std::string> labels;
    double value = 0;
  };
  struct Family {
    std::string type, help;
    std::vector<Sample> samples;
  };
  std::map<std::string, Family> families;
  std::vector<std::string> problems;  ///< sentences; empty: the page keeps the rules

  /// The value of the only sample with these labels; NaN when there is none.
  double value(const std::string& name,
               const std::map<std::string, std::string>& labels = {}) const;
};

MetricsPage read_metrics(const std::string& page, bool open_metrics);

}  // namespace maie::server
