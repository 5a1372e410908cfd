#pragma once

#include <memory>

#include "base/cancel.h"

namespace maie::cli {

/// Turns SIGINT and SIGTERM into a cancelled token, and makes sure the program is gone within a
/// second even where the work does not look at its token (reading a large model, say). A second
/// signal ends it at once. Also ignores SIGPIPE and SIGXFSZ, so that a closed pipe and a full
/// quota come back as errors from write(2). One per process.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  CancelToken& token();

  /// The signal that asked for the stop, 0 when none came.
  int signal() const;

  /// From now on a first signal only asks: a server ends when its work has. A second one still ends
  /// the process at once.
  static void be_patient();

  /// While one lives, the process is not ended by force: output files are being written.
  class Shield {
   public:
    Shield();
    ~Shield();
    Shield(const Shield&) = delete;
    Shield& operator=(const Shield&) = delete;
  };

 private:
  class Watcher;
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace maie::cli
