#include "cli/transfer_progress.h"

#include <algorithm>
#include <cmath>

#include "base/human_size.h"
#include "cli/printable.h"
#include "cli/progress.h"

namespace maie::cli {
namespace {

constexpr int kNarrowestName = 8;
constexpr double kFirstRateS = 0.5;  // too early to say how fast it is

}  // namespace

std::string render_transfer(const TransferState& state, int columns, bool colour) {
  const double fraction =
      state.total_bytes == 0
          ? 0
          : std::clamp(double(state.done_bytes) / double(state.total_bytes), 0.0, 1.0);
  int room = std::max(columns - 1, 0);  // a full last column makes some terminals wrap
  std::string line = std::to_string(int(std::floor(fraction * 100))) + "%";
  line.insert(0, size_t(std::max(0, 4 - int(line.size()))), ' ');
  if (room < int(line.size())) return "";
  room -= int(line.size());

  // From the most to the least wanted; each is taken while it fits.
  const auto append = [&](const std::string& part) {
    if (int(part.size()) > room) return;
    room -= int(part.size());
    line += part;
  };
  append("  " + human_size(state.done_bytes) + " of " + human_size(state.total_bytes));
  if (state.checking) {
    append(", checking");
  } else if (state.rate > 0) {
    const uint64_t left = state.total_bytes - std::min(state.done_bytes, state.total_bytes);
    append(", " + human_size(uint64_t(state.rate)) + "/s");
    append(", " + format_duration(double(left) / state.rate) + " left");
  }
  if (kBarColumns + 3 <= room) {
    room -= kBarColumns + 3;
    line = progress_bar(fraction, colour) + " " + line;
  }
  if (room - 1 >= kNarrowestName)
    line = shorten(printable(state.name), size_t(room - 1)) + " " + line;
  return line;
}

TransferLine::TransferLine(Console& console, std::function<Clock::time_point()> now)
    : console_(console), now_(std::move(now)), started_(now_()) {}

void TransferLine::update(const std::string& name, uint64_t done_bytes, uint64_t total_bytes,
                          bool checking) {
  const std::lock_guard lock(mutex_);
  if (!console_.draws_progress()) return;
  const Clock::time_point now = now_();
  if (!has_begun_) {
    has_begun_ = true;
    first_bytes_ = done_bytes;
    started_ = now;
  } else if (now - drawn_ < std::chrono::milliseconds(100)) {
    return;
  }
  drawn_ = now;
  const double elapsed_s = std::chrono::duration<double>(now - started_).count();
  const double came = double(done_bytes) - double(std::min(first_bytes_, done_bytes));
  state_ = {name, done_bytes, total_bytes, elapsed_s >= kFirstRateS ? came / elapsed_s : 0,
            checking};
  console_.draw(render_transfer(state_, console_.columns(), console_.traits().colour));
}

void TransferLine::info(const std::string& sentence) {
  const std::lock_guard lock(mutex_);
  console_.info("progress", sentence);
}

void TransferLine::warning(const std::string& sentence) {
  const std::lock_guard lock(mutex_);
  console_.warning("retry", sentence);
}

}  // namespace maie::cli
