#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace maie::e2e {

/// How the program under test is run.
struct ProcessOptions {
  std::string folder;       ///< working directory
  std::string input_file;   ///< standard input; empty: none (/dev/null)
  std::string output_file;  ///< standard output goes there instead of into the result
  std::vector<std::string> environment{};  ///< NAME=value, besides PATH
  long file_size_limit = -1;               ///< RLIMIT_FSIZE in bytes, as a full disk; -1: none
  int signal = 0;                          ///< sent after `signal_after_ms`
  int signal_after_ms = 0;
  std::function<void(pid_t)> before_signal{};
};

struct ProcessResult {
  int code = -1;  ///< exit code; 128 + signal when killed by one
  std::string out, err;
  double after_signal_s = 0;  ///< from the signal to the end
};

/// Runs the program `maie` with these arguments and waits for its end, a minute at most.
ProcessResult run_maie(const std::vector<std::string>& arguments, const ProcessOptions& options);

/// The same with standard error, and standard output if `output_too`, on a new terminal of 100
/// columns; `err` is what the terminal got.
ProcessResult run_maie_on_terminal(const std::vector<std::string>& arguments,
                                   const ProcessOptions& options, bool output_too);

/// Processes whose parent is `parent`.
std::vector<pid_t> children_of(pid_t parent);

}  // namespace maie::e2e
