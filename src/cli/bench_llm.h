#pragma once

#include "cli/bench.h"

namespace maie::cli {

struct LlmBenchOptions {
  std::string model_path;        ///< folder or GGUF file
  std::string copied_text_path;  ///< for the row enhance: a text the model repeats; empty: left out
  std::string template_id = "meeting_notes_v2";  ///< for the row constrained
  std::vector<std::string> rows;                 ///< names wanted; empty: all
  ComputeType compute_type = ComputeType::kAuto;
  int threads = 0;
  int runs = 5;  ///< measured runs of a row, after one that is not counted
};

/// Names of the rows of `maie bench --llm` in the order they are measured.
const std::vector<std::string>& llm_bench_row_names();

/// Measures a language model through the engine as it is used: requests in, answers out.
Result<BenchReport> run_llm_bench(const LlmBenchOptions& options, const CancelToken& cancel);

}  // namespace maie::cli
