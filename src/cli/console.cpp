#include "cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/json.h"
#include "cli/printable.h"

namespace maie::cli {
namespace {

// Returns 0 or the errno of the failure.
int write_fully(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes.remove_prefix(size_t(count));
  }
  return 0;
}

constexpr std::string_view kEraseLine = "\r\x1b[K";

}  // namespace

TerminalTraits TerminalTraits::of_process(int out, int err) {
  const char* term = std::getenv("TERM");
  const char* no_color = std::getenv("NO_COLOR");
  TerminalTraits traits;
  traits.out_is_terminal = ::isatty(out) == 1;
  traits.err_is_terminal = ::isatty(err) == 1;
  traits.dumb = term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
  traits.colour =
      traits.err_is_terminal && !traits.dumb && (no_color == nullptr || *no_color == '\0');
  return traits;
}

void Console::error(std::string_view code, std::string_view message) {
  say("error", code, message);
}

void Console::warning(std::string_view code, std::string_view message) {
  if (verbosity_ != Verbosity::kQuiet) say("warning", code, message);
}

void Console::info(std::string_view code, std::string_view message) {
  if (verbosity_ != Verbosity::kQuiet) say("info", code, message);
}

void Console::detail(std::string_view code, std::string_view message) {
  if (verbosity_ == Verbosity::kVerbose) say("debug", code, message);
}

void Console::say(std::string_view level, std::string_view code, std::string_view message) {
  std::string line;
  if (json_) {
    const Json object = {{"level", level}, {"code", code}, {"message", message}};
    line = to_line(object) + "\n";
  } else {
    line = "maie: ";
    if (level == "warning") line += "warning: ";
    line += printable(message) + "\n";
  }
  const std::string progress = drawn_;
  clear();
  // A closed stderr leaves nobody to tell.
  (void)write_fully(err_, line);
  if (!progress.empty()) draw(progress);
}

Status Console::write(std::string_view bytes) {
  if (output_closed_) return cancelled("standard output was closed by its reader");
  // The progress line goes away first: both may be the same screen.
  const std::string progress = traits_.out_is_terminal ? drawn_ : std::string();
  if (!progress.empty()) clear();
  const int failure = write_fully(out_, bytes);
  if (!progress.empty()) draw(progress);
  if (failure == EPIPE) {
    output_closed_ = true;
    return cancelled("standard output was closed by its reader");
  }
  return failure == 0 ? Status() : errno_status("standard output", failure);
}

bool Console::draws_progress() const {
  return traits_.err_is_terminal && !traits_.dumb && !json_ && verbosity_ != Verbosity::kQuiet;
}

int Console::columns() const {
  winsize size{};
  if (::ioctl(err_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

void Console::draw(std::string_view line) {
  drawn_ = line;
  (void)write_fully(err_, std::string(kEraseLine) + drawn_);
}

void Console::clear() {
  if (drawn_.empty()) return;
  drawn_.clear();
  (void)write_fully(err_, kEraseLine);
}

}  // namespace maie::cli
