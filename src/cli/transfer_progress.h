#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "cli/console.h"

namespace maie::cli {

/// What the line of a download, or of another pass over many bytes, shows at one moment.
struct TransferState {
  std::string name;          ///< of the file
  uint64_t done_bytes = 0;   ///< of all files
  uint64_t total_bytes = 0;  ///< of all files
  double rate = 0;           ///< bytes a second; 0: not known yet
  bool checking = false;     ///< the file is here and its hash is being computed
};

/// One line of at most `columns` - 1 columns: name, bar, percent, bytes, rate, time left. Parts
/// that do not fit are left out. Pure.
std::string render_transfer(const TransferState& state, int columns, bool colour);

/// Draws the progress of a transfer on the console, at most ten times a second, and says sentences
/// in between. Any thread; while one lives nothing else writes to the console.
class TransferLine {
 public:
  using Clock = std::chrono::steady_clock;

  explicit TransferLine(
      Console& console, std::function<Clock::time_point()> now = [] { return Clock::now(); });
  ~TransferLine() { console_.clear(); }

  void update(const std::string& name, uint64_t done_bytes, uint64_t total_bytes, bool checking);
  void info(const std::string& sentence);
  void warning(const std::string& sentence);

 private:
  std::mutex mutex_;  // of all of it
  Console& console_;
  TransferState state_;
  std::function<Clock::time_point()> now_;
  Clock::time_point started_;
  Clock::time_point drawn_;
  uint64_t first_bytes_ = 0;  // that were there before it started
  bool has_begun_ = false;
};

}  // namespace maie::cli
