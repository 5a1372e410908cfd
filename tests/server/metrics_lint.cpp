#include "tests/server/metrics_lint.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <regex>
#include <set>
#include <sstream>

namespace maie::server {
namespace {

using Labels = std::map<std::string, std::string>;

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

class Reader {
 public:
  Reader(MetricsPage& page, bool open_metrics) : page_(page), open_(open_metrics) {}

  void line(const std::string& line) {
    if (ended_) problem("something follows # EOF");
    static const std::regex help(R"(# HELP ([a-z_]+) (.+))");
    static const std::regex type(R"(# TYPE ([a-z_]+) (counter|gauge|histogram|unknown))");
    std::smatch match;
    if (line == "# EOF") {
      ended_ = true;
    } else if (std::regex_match(line, match, help)) {
      family_ = match[1];
      if (page_.families.count(family_) > 0) problem(family_ + " comes twice");
      page_.families[family_].help = match[2];
    } else if (std::regex_match(line, match, type)) {
      if (match[1] != family_) problem("TYPE without HELP: " + line);
      page_.families[family_].type = match[2];
    } else {
      sample(line);
    }
  }

  void end() {
    if (open_ != ended_) problem(open_ ? "no # EOF" : "# EOF belongs to OpenMetrics");
    for (auto& [name, family] : page_.families) {
      if (family.type.empty()) problem(name + " has no TYPE");
      if (!open_ && (family.type == "counter") != ends_with(name, "_total"))
        problem(name + " is a " + family.type);
      if (family.type == "histogram") histograms(name, family);
    }
  }

 private:
  void problem(std::string sentence) { page_.problems.push_back(std::move(sentence)); }

  void sample(const std::string& line) {
    static const std::regex whole(R"(([a-z_]+)(\{(.*)\})? ([^ ]+))");
    std::smatch match;
    if (!std::regex_match(line, match, whole)) return problem("no sample: " + line);
    MetricsPage::Sample sample{.name = match[1], .labels = labels(match[3]), .value = 0};
    const std::string number = match[4];
    char* rest = nullptr;
    sample.value = std::strtod(number.c_str(), &rest);
    if (*rest != 0 || std::isnan(sample.value)) problem("no number: " + line);
    if (!seen_.insert(line.substr(0, line.rfind(' '))).second) problem("twice: " + line);
    const MetricsPage::Family& family = page_.families[family_];
    if (!belongs(sample.name, family.type)) problem(line + " stands under " + family_);
    if (family.type == "counter" && sample.value < 0) problem("below zero: " + line);
    page_.families[family_].samples.push_back(std::move(sample));
  }

  bool belongs(const std::string& name, const std::string& type) const {
    if (type == "histogram") {
      return name == family_ + "_bucket" || name == family_ + "_sum" || name == family_ + "_count";
    }
    if (type == "counter" && open_) return name == family_ + "_total";
    return name == family_;
  }

  Labels labels(std::string text) {
    static const std::regex one(R"x(([a-z_]+)="((?:[^"\\]|\\["\\n])*)"(,|$))x");
    Labels labels;
    std::smatch match;
    while (!text.empty()) {
      if (!std::regex_search(text, match, one, std::regex_constants::match_continuous)) {
        problem("no labels: " + text);
        break;
      }
      if (!labels.emplace(match[1], match[2]).second) problem("a label comes twice: " + text);
      text = match.suffix();
    }
    return labels;
  }

  // Buckets grow, end with +Inf, and that one is the count.
  void histograms(const std::string& name, const MetricsPage::Family& family) {
    std::map<Labels, std::map<double, double>> buckets;
    std::map<Labels, double> counts, sums;
    for (const MetricsPage::Sample& sample : family.samples) {
      Labels labels = sample.labels;
      if (sample.name == name + "_bucket") {
        const std::string le = labels["le"];
        if (open_ && le.find_first_of(".I") == le.npos) problem(name + ": le=" + le);
        labels.erase("le");
        buckets[labels][std::strtod(le.c_str(), nullptr)] = sample.value;
      } else {
        (sample.name == name + "_count" ? counts : sums)[labels] = sample.value;
      }
    }
    if (counts.size() != buckets.size() || sums.size() != buckets.size())
      problem(name + " lacks a sum or a count");
    for (const auto& [labels, of_bound] : buckets) {
      double before = 0;
      for (const auto& [bound, count] : of_bound) {
        if (count < before) problem(name + " has buckets that shrink");
        before = count;
      }
      if (!std::isinf(of_bound.rbegin()->first)) problem(name + " has no bucket +Inf");
      if (counts[labels] != before) problem(name + ": the last bucket is not the count");
    }
  }

  MetricsPage& page_;
  const bool open_;
  bool ended_ = false;
  std::string family_;
  std::set<std::string> seen_;
};

}  // namespace

double MetricsPage::value(const std::string& name, const Labels& labels) const {
  for (const auto& [family, content] : families) {
    for (const Sample& sample : content.samples) {
      if (sample.name == name && sample.labels == labels) return sample.value;
    }
  }
  return std::numeric_limits<double>::quiet_NaN();
}

MetricsPage read_metrics(const std::string& page, bool open_metrics) {
  MetricsPage out;
  if (page.empty() || page.back() != '\n') out.problems.push_back("the last line has no end");
  Reader reader(out, open_metrics);
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) reader.line(line);
  reader.end();
  return out;
}

}  // namespace maie::server
