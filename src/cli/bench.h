#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/json.h"
#include "base/status.h"
#include "tensor/dtype.h"

namespace maie::cli {

struct BenchOptions {
  std::string model_path;
  std::string audio_path;         ///< for the end-to-end row; empty: that row is left out
  std::vector<std::string> rows;  ///< names wanted; empty: all
  ComputeType compute_type = ComputeType::kAuto;
  int threads = 0;
  int runs = 7;  ///< measured runs of a row, after one that is not counted
};

/// One measured row.
struct BenchRow {
  std::string name;
  std::string what;
  std::vector<double> runs_s;  ///< seconds; of one encoder pass, one decoder step, ...
  double roof_s = 0;           ///< the same work at this machine's measured roof; 0: no roof
  double rate = 0;             ///< of the median, in `unit`
  std::string unit;

  double median_s() const;
  double roof_fraction() const { return roof_s / median_s(); }
};

struct BenchReport {
  double read_bandwidth = 0;  ///< bytes a second, all threads
  double f32_rate = 0;        ///< operations a second in products, all threads
  double bf16_rate = 0;
  double int8_rate = 0;
  int threads = 0;
  std::string compute_type;
  std::vector<BenchRow> rows;
};

/// Names of the rows in the order they are measured.
const std::vector<std::string>& bench_row_names();

/// Measures. Each row first checks that its result is what it should be.
Result<BenchReport> run_bench(const BenchOptions& options, const CancelToken& cancel);

std::string to_table(const BenchReport& report);
Json to_json(const BenchReport& report);

}  // namespace maie::cli
