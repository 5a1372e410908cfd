#include "cli/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <utility>

#include "cli/printable.h"

namespace maie::cli {
namespace {

constexpr int kNarrowestName = 8;
constexpr std::string_view kRateMeaning = " real time";
// Too early to say anything about the time left.
constexpr double kFirstEstimateS = 0.5;
constexpr double kFirstEstimateFraction = 0.005;

std::string percent(double fraction) {
  char text[8];
  std::snprintf(text, sizeof text, "%3d%%", int(std::floor(fraction * 100)));
  return text;
}

std::string times(const ProgressState& state) {
  const bool known = state.elapsed_s >= kFirstEstimateS && state.fraction >= kFirstEstimateFraction;
  const double left = known ? state.elapsed_s * (1 - state.fraction) / state.fraction : -1;
  return format_duration(state.elapsed_s) + " elapsed, " + format_duration(left) + " left";
}

std::string speed(const ProgressState& state) {
  if (state.elapsed_s < kFirstEstimateS || state.duration_s <= 0) return "";
  char text[32];
  std::snprintf(text, sizeof text, ", %.1fx", state.fraction * state.duration_s / state.elapsed_s);
  return text;
}

}  // namespace

std::string progress_bar(double fraction, bool colour) {
  const int filled = int(std::floor(fraction * kBarColumns));
  std::string out = "[";
  if (colour) out += "\x1b[32m";
  out += std::string(size_t(filled), '#');
  if (colour) out += "\x1b[0m";
  return out + std::string(size_t(kBarColumns - filled), '.') + "]";
}

std::string format_duration(double seconds) {
  if (!(seconds >= 0) || seconds > 1e7) return "--:--";
  const long total = std::lround(seconds);
  char text[32];
  if (total >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", total / 3600, total / 60 % 60, total % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", total / 60, total % 60);
  }
  return text;
}

std::string render_progress(const ProgressState& input, int columns, bool colour) {
  ProgressState state = input;
  state.fraction = std::isfinite(state.fraction) ? std::clamp(state.fraction, 0.0, 1.0) : 0.0;
  int room = std::max(columns - 1, 0);  // a full last column makes some terminals wrap
  const std::string share = percent(state.fraction);
  if (room < int(share.size())) return "";

  // From the most to the least wanted; each is taken while it fits.
  std::string line = share;
  room -= int(share.size());
  const auto take = [&room](int wanted) {
    if (wanted > room) return false;
    room -= wanted;
    return true;
  };
  const bool reading = state.duration_s <= 0 && !state.opened;
  const std::string clock = reading ? "reading" : times(state);
  std::string rate;
  if (take(int(clock.size()) + 2)) {
    line += "  " + clock;
    rate = speed(state);
    if (take(int(rate.size()))) line += rate;
  }
  if (take(kBarColumns + 3)) line = progress_bar(state.fraction, colour) + " " + line;
  std::string name = printable(state.name);
  if (state.count > 1)
    name.insert(0, std::to_string(state.index) + "/" + std::to_string(state.count) + " ");
  const int name_room = room - 1;
  if (name_room >= kNarrowestName) {
    name = shorten(name, size_t(name_room));
    room -= int(character_count(name)) + 1;
    line = name + " " + line;
  }
  if (!rate.empty() && take(int(kRateMeaning.size()))) line += kRateMeaning;
  return line;
}

ProgressLine::ProgressLine(Console& console, std::string name, int index, int count,
                           std::function<Clock::time_point()> now)
    : console_(console), now_(std::move(now)), started_(now_()) {
  state_.name = std::move(name);
  state_.index = index;
  state_.count = count;
  draw();
}

void ProgressLine::opened(double duration_s) {
  state_.duration_s = duration_s;
  state_.opened = true;
  started_ = now_();
  draw();
}

void ProgressLine::update(double fraction) {
  state_.fraction = fraction;
  if (now_() - drawn_ >= std::chrono::milliseconds(100)) draw();
}

void ProgressLine::draw() {
  if (!console_.draws_progress()) return;
  drawn_ = now_();
  state_.elapsed_s = std::chrono::duration<double>(drawn_ - started_).count();
  console_.draw(render_progress(state_, console_.columns(), console_.traits().colour));
}

}  // namespace maie::cli
