#pragma once

#include <span>
#include <string_view>

namespace maie::server {

/// One line of docs/spec/interfaces.md, section 10: the contract with who draws the graphs. A
/// family once released keeps name, type and labels.
struct MetricSpec {
  enum class Type { kCounter, kGauge, kHistogram };
  const char* name;
  Type type;
  const char* help;
  const char* labels;               ///< "method,route"; empty: none
  std::span<const double> buckets;  ///< of a histogram
};

/// All families there are, in order of their names.
std::span<const MetricSpec> metric_specs();
const MetricSpec& metric_spec(std::string_view name);

/// The word itself where the closed set has it, else "other": no client and no file makes new
/// label values.
std::string_view known_or_other(std::string_view word, std::span<const std::string_view> words);

}  // namespace maie::server
