#include "cli/metrics_reader.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace maie::cli {
namespace {

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':';
}

// Reads one line from the left; false as soon as it is no sample.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  bool read(MetricSample& sample) {
    sample.name = name();
    if (sample.name.empty()) return false;
    if (take('{') && !labels(sample.labels)) return false;
    if (!take(' ')) return false;
    const std::string number(rest_.substr(0, rest_.find(' ')));
    char* end = nullptr;
    sample.value = std::strtod(number.c_str(), &end);
    return !number.empty() && *end == 0;
  }

 private:
  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string name() {
    const size_t length =
        size_t(std::find_if_not(rest_.begin(), rest_.end(), is_name) - rest_.begin());
    const std::string out(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return out;
  }

  bool labels(std::map<std::string, std::string>& out) {
    while (!take('}')) {
      const std::string label = name();
      if (label.empty() || !take('=') || !quoted(out[label])) return false;
      take(',');
    }
    return true;
  }

  bool quoted(std::string& out) {
    if (!take('"')) return false;
    while (!rest_.empty() && rest_[0] != '"') {
      if (rest_[0] == '\\' && rest_.size() > 1) {
        out += rest_[1] == 'n' ? '\n' : rest_[1];
        rest_.remove_prefix(2);
      } else {
        out += rest_[0];
        rest_.remove_prefix(1);
      }
    }
    return take('"');
  }

  std::string_view rest_;
};

}  // namespace

std::vector<MetricSample> read_metrics(std::string_view page) {
  std::vector<MetricSample> samples;
  while (!page.empty()) {
    const size_t end = std::min(page.find('\n'), page.size());
    MetricSample sample;
    if (LineReader(page.substr(0, end)).read(sample)) samples.push_back(std::move(sample));
    page.remove_prefix(std::min(end + 1, page.size()));
  }
  return samples;
}

std::optional<double> metric_value(const std::vector<MetricSample>& samples, std::string_view name,
                                   const std::map<std::string, std::string>& labels) {
  std::optional<double> sum;
  for (const MetricSample& sample : samples) {
    const bool fits = std::all_of(labels.begin(), labels.end(), [&](const auto& wanted) {
      const auto found = sample.labels.find(wanted.first);
      return found != sample.labels.end() && found->second == wanted.second;
    });
    if (sample.name == name && fits) sum = sum.value_or(0) + sample.value;
  }
  return sum;
}

}  // namespace maie::cli
