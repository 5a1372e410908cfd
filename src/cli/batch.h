#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "cli/console.h"
#include "cli/inputs.h"
#include "cli/outputs.h"

namespace maie::cli {

/// "standard input" for "-".
std::string display_name(const std::string& path);

/// A sentence that names the input once, whether or not the part that failed already did.
std::string naming(const std::string& path, const std::string& message);

/// The inputs of one run, the files each will become, and how each of them ended. What can fail
/// before the work fails before the work; what fails in one input leaves the others alone.
class Batch {
 public:
  /// One input that is going to be worked on.
  struct Work {
    size_t index;  ///< among all inputs
    std::string path;
    std::vector<OutputPlan::File> files;  ///< empty: the result goes to standard output
  };

  explicit Batch(Console& console) : console_(console) {}

  /// Finds out which inputs exist and which files may be written.
  /// @param files  where they go and in which formats; absent: to standard output.
  void plan(const std::vector<Input>& inputs, const std::optional<OutputPlan::Options>& files);

  const std::vector<Work>& works() const { return works_; }
  size_t size() const { return codes_.size(); }

  /// An input failed: says so, naming it once, and remembers the code, which it returns.
  int fail(const Work& work, const Status& status, int code);
  int fail(const Work& work, const Status& status);
  /// What stops every input: the model, or an option it cannot serve.
  int fail_all(const Status& status, int code);
  void done(const Work&) { ++done_; }

  /// Writes the files of an input, each whole or not at all, also when the user stops the program
  /// right now. @param contents  of each of work.files. @return the exit code.
  int write(const Work& work, const std::vector<std::string>& contents);

  /// Says how far a run came that was stopped.
  int stopped() const;
  /// The exit code of the whole run.
  int code() const;

 private:
  int fail(size_t index, const std::string& path, const Status& status, int code);

  Console& console_;
  std::vector<Work> works_;
  std::vector<int> codes_;  // one per input
  size_t done_ = 0;
};

/// Results that go to standard output. When nobody reads it any more, `cancel` is cancelled.
class StandardOutput {
 public:
  StandardOutput(Console& console, CancelToken& cancel) : console_(console), cancel_(cancel) {}

  void write(const std::string& text);
  bool failed() const { return !failure_.ok(); }
  /// The exit code after a failure, which is told unless the reader has just gone away.
  int exit_code();

 private:
  Console& console_;
  CancelToken& cancel_;
  Status failure_;
};

}  // namespace maie::cli
