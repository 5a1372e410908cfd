#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "cli/console.h"

namespace maie::cli {

/// What the progress line shows at one moment.
struct ProgressState {
  std::string name;  ///< of the recording
  int index = 1;     ///< which of `count` recordings
  int count = 1;
  double fraction = 0;    ///< done, 0..1
  double elapsed_s = 0;   ///< since the recording was opened
  double duration_s = 0;  ///< of the recording; 0 while it is still being read, and for other work
  bool opened = false;    ///< the work itself has begun
};

/// One line of at most `columns` - 1 columns: name, bar, percent, time taken, time left, and how
/// many seconds of audio a second takes. Parts that do not fit are left out. Pure.
/// @param colour  colours the bar with terminal sequences, which take no columns.
std::string render_progress(const ProgressState& state, int columns, bool colour);

/// "0:07", "12:05", "1:02:03"; "--:--" for a negative or unreasonable time.
std::string format_duration(double seconds);

/// "[#####...................]", kBarColumns and two brackets wide. @param fraction 0..1
inline constexpr int kBarColumns = 24;
std::string progress_bar(double fraction, bool colour);

/// Draws the progress of one recording on the console, at most ten times a second. Does nothing
/// where the console draws no progress.
class ProgressLine {
 public:
  using Clock = std::chrono::steady_clock;

  /// @param now  the clock, replaceable in tests.
  ProgressLine(
      Console& console, std::string name, int index, int count,
      std::function<Clock::time_point()> now = [] { return Clock::now(); });
  ~ProgressLine() { console_.clear(); }

  /// The recording was opened: its work starts now. 0 for work without a duration.
  void opened(double duration_s);
  void update(double fraction);

 private:
  void draw();

  Console& console_;
  ProgressState state_;
  std::function<Clock::time_point()> now_;
  Clock::time_point started_;
  Clock::time_point drawn_;
};

}  // namespace maie::cli
