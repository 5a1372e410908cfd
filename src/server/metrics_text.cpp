#include "server/metrics_text.h"

#include <prometheus/metric_family.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace maie::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::string_view kTotal = "_total";

// The shortest text that reads back as the same number.
std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return std::string(text, end.ptr);
}

// The bound of a bucket: OpenMetrics wants it to look like a float.
std::string bound(double value, bool open_metrics) {
  std::string text = number(value);
  if (open_metrics && text.find_first_of(".eIN") == text.npos) text += ".0";
  return text;
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

using Extra = std::pair<std::string_view, std::string>;

void append_sample(std::string& out, const std::string& name, std::string_view suffix,
                   const ClientMetric& metric, const std::string& value, const Extra* extra = {}) {
  out += name;
  out += suffix;
  char open = '{';
  const auto add = [&](std::string_view label, std::string_view text) {
    out += open;
    out += label;
    out += "=\"";
    append_escaped(out, text, true);
    out += '"';
    open = ',';
  };
  for (const ClientMetric::Label& label : metric.label) add(label.name, label.value);
  if (extra != nullptr) add(extra->first, extra->second);
  if (open == ',') out += '}';
  out += ' ';
  out += value;
  out += '\n';
}

void append_histogram(std::string& out, const std::string& name, const ClientMetric& metric,
                      bool open_metrics) {
  const ClientMetric::Histogram& histogram = metric.histogram;
  for (const ClientMetric::Bucket& bucket : histogram.bucket) {
    const Extra le("le", bound(bucket.upper_bound, open_metrics));
    append_sample(out, name, "_bucket", metric, std::to_string(bucket.cumulative_count), &le);
  }
  append_sample(out, name, "_count", metric, std::to_string(histogram.sample_count));
  append_sample(out, name, "_sum", metric, number(histogram.sample_sum));
}

const char* type_name(MetricType type) {
  switch (type) {
    case MetricType::Counter: return "counter";
    case MetricType::Histogram: return "histogram";
    default: return "gauge";
  }
}

bool is_total(const std::string& name) {
  return name.size() > kTotal.size() &&
         name.compare(name.size() - kTotal.size(), kTotal.size(), kTotal) == 0;
}

void append_head(std::string& out, const std::string& name, const MetricFamily& family,
                 const char* type) {
  out += "# HELP " + name + " ";
  append_escaped(out, family.help, false);
  out += "\n# TYPE " + name + " " + type + "\n";
}

}  // namespace

std::string to_metrics_text(std::vector<MetricFamily> families, bool open_metrics) {
  std::sort(families.begin(), families.end(),
            [](const MetricFamily& a, const MetricFamily& b) { return a.name < b.name; });
  std::set<std::string_view> names;
  for (const MetricFamily& family : families) names.insert(family.name);
  std::string out;
  for (const MetricFamily& family : families) {
    // OpenMetrics names a counter's family without _total. Where that is another family's name
    // already (maie_jobs, maie_jobs_total) the type is left unknown, which keeps both.
    std::string head = family.name;
    const char* type = type_name(family.type);
    if (open_metrics && family.type == MetricType::Counter && is_total(family.name)) {
      const std::string base = family.name.substr(0, family.name.size() - kTotal.size());
      if (names.count(base) > 0) {
        type = "unknown";
      } else {
        head = base;
      }
    }
    append_head(out, head, family, type);
    for (const ClientMetric& metric : family.metric) {
      if (family.type == MetricType::Histogram) {
        append_histogram(out, family.name, metric, open_metrics);
      } else {
        const bool counter = family.type == MetricType::Counter;
        append_sample(out, family.name, "", metric,
                      number(counter ? metric.counter.value : metric.gauge.value));
      }
    }
  }
  if (open_metrics) out += "# EOF\n";
  return out;
}

}  // namespace maie::server
