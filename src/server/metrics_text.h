#pragma once

#include <string>
#include <vector>

namespace prometheus {
struct MetricFamily;
}

namespace maie::server {

/// Families as a page: text format 0.0.4, or OpenMetrics 1.0.0 with its `# EOF`. Families without a
/// sample keep their HELP and TYPE.
std::string to_metrics_text(std::vector<prometheus::MetricFamily> families, bool open_metrics);

inline constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr char kOpenMetricsType[] =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

}  // namespace maie::server
