#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace maie::cli {

/// How much the program says on stderr.
enum class Verbosity { kQuiet, kNormal, kVerbose };

/// What the surroundings of the process say about its terminal; a value so that tests can pretend.
struct TerminalTraits {
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool dumb = false;    ///< TERM=dumb, or none: lines cannot be drawn over
  bool colour = false;  ///< stderr takes colours and NO_COLOR is not set

  static TerminalTraits of_process(int out, int err);
};

/// stdout for the result, stderr for everything else. One thread at a time.
///
/// stdout is written unbuffered by write(2), so that a full disk or a closed pipe shows at once
/// and no library flushes half a line at exit.
class Console {
 public:
  Console(int out, int err, TerminalTraits traits) : out_(out), err_(err), traits_(traits) {}

  void configure(Verbosity verbosity, bool json) {
    verbosity_ = verbosity;
    json_ = json;
  }
  Verbosity verbosity() const { return verbosity_; }
  const TerminalTraits& traits() const { return traits_; }

  /// One sentence to the user. `code` is a stable word for programs (with --json), e.g.
  /// "not_found".
  void error(std::string_view code, std::string_view message);
  void warning(std::string_view code, std::string_view message);
  void info(std::string_view code, std::string_view message);    ///< not with --quiet
  void detail(std::string_view code, std::string_view message);  ///< only with --verbose

  /// Writes result bytes to stdout. Once the reader has closed the pipe the write is dropped,
  /// kCancelled is returned and `output_closed` holds.
  Status write(std::string_view bytes);
  bool output_closed() const { return output_closed_; }

  /// True when a progress line may be drawn: stderr is a terminal that can redraw a line, and
  /// neither --quiet nor --json was given.
  bool draws_progress() const;
  /// Columns of the terminal on stderr; 80 where it does not say.
  int columns() const;
  /// Replaces the progress line. Only when draws_progress().
  void draw(std::string_view line);
  /// Removes the progress line, if one is drawn.
  void clear();

 private:
  void say(std::string_view level, std::string_view code, std::string_view message);

  int out_;
  int err_;
  TerminalTraits traits_;
  Verbosity verbosity_ = Verbosity::kNormal;
  bool json_ = false;
  bool output_closed_ = false;
  std::string drawn_;  // the progress line on the screen
};

}  // namespace maie::cli
