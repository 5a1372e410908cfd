#include "audio/log_mel.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "audio/log_mel_plan.h"

namespace maie::audio {
namespace {

constexpr int64_t kReflected = LogMel::kWindow / 2;  // samples mirrored at each end
constexpr int64_t kBlockFrames = 64;                 // frames a thread takes at a time

/// Slaney's mel scale: linear to 1000 Hz (mel 15), then 27 steps for each factor of 6.4.
double mel_to_hz(double mel) {
  if (mel < 15.0) return mel * 200.0 / 3.0;
  return 1000.0 * std::exp(std::log(6.4) / 27.0 * (mel - 15.0));
}

template <size_t N>
void fill_twiddles(std::array<float, N>& table, int count, int radix, int length) {
  size_t at = 0;
  for (int p = 0; p < count; ++p) {
    for (int j = 1; j < radix; ++j) {
      const double angle = 2.0 * std::numbers::pi * j * p / length;
      table[at++] = float(std::cos(angle));
      table[at++] = float(-std::sin(angle));
    }
  }
}

/// The index inside [0, size) that position `at` shows when the signal is mirrored at its first and
/// last sample, again and again for a signal shorter than what is asked of it.
int64_t reflect(int64_t at, int64_t size) {
  if (size <= 1) return 0;
  const int64_t period = 2 * (size - 1);
  at %= period;
  if (at < 0) at += period;
  return at < size ? at : period - at;
}

/// Samples [first, first + out.size()) of a signal of `size` samples, mirrored at both ends.
/// `inside(first, out)` reads a range within it.
template <class Inside>
Status read_reflected(int64_t size, int64_t first, std::span<float> out, Inside&& inside) {
  const int64_t end = first + int64_t(out.size());
  const int64_t from = std::clamp<int64_t>(first, 0, size), to = std::clamp<int64_t>(end, 0, size);
  if (to > from) MAIE_TRY(inside(from, out.subspan(size_t(from - first), size_t(to - from))));
  for (int64_t at = first; at < end; ++at) {
    if (at >= from && at < to) {
      at = to - 1;
      continue;
    }
    MAIE_TRY(inside(reflect(at, size), out.subspan(size_t(at - first), 1)));
  }
  return {};
}

/// The same for samples followed by `end_zeros` zeros; `read(first, out)` reads the samples alone.
template <class Read>
Status read_padded(int64_t samples, int64_t end_zeros, int64_t first, std::span<float> out,
                   Read&& read) {
  return read_reflected(samples + end_zeros, first, out, [&](int64_t at, std::span<float> part) {
    const int64_t real = std::clamp<int64_t>(samples - at, 0, int64_t(part.size()));
    std::fill(part.begin() + real, part.end(), 0.0f);
    return real > 0 ? read(at, part.first(size_t(real))) : Status();
  });
}

size_t samples_for(int64_t frames) {
  return frames > 0 ? size_t((frames - 1) * LogMel::kHop + LogMel::kWindow) : 0;
}

}  // namespace

MelPlan::MelPlan(int mels) : n_mels(mels) {
  for (int i = 0; i < kWindow; ++i) {
    const double hann = 0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * i / kWindow);
    window[size_t(i)] = float(0.5 * hann);
  }
  fill_twiddles(twiddle_first, 40, 5, 200);
  fill_twiddles(twiddle_second, 8, 5, 40);
  for (int k = 0; k <= 100; ++k) {
    const double angle = 2.0 * std::numbers::pi * k / kWindow;
    untangle[size_t(2 * k)] = float(std::cos(angle));
    untangle[size_t(2 * k + 1)] = float(-std::sin(angle));
  }

  constexpr double kTopMel = 45.245640471924965;  // 8000 Hz
  std::vector<double> points(size_t(mels) + 2);
  for (size_t i = 0; i < points.size(); ++i)
    points[i] = mel_to_hz(double(i) * kTopMel / (mels + 1));
  for (size_t m = 0; m < size_t(mels); ++m) {
    const double low = points[m], peak = points[m + 1], high = points[m + 2];
    Filter filter{.first_bin = 0, .count = 0, .offset = int(weights.size())};
    for (int k = 0; k < kBins; ++k) {
      const double hz = 40.0 * k;
      const double slope = std::min((hz - low) / (peak - low), (high - hz) / (high - peak));
      if (slope <= 0.0) continue;
      if (filter.count == 0) filter.first_bin = k;
      weights.push_back(float(slope * 2.0 / (high - low)));
      ++filter.count;
    }
    filters.push_back(filter);
  }
}

LogMel::LogMel(int n_mels) {
  check(n_mels >= 1 && n_mels <= 256, "1 to 256 mel bins");
  plan_ = std::make_unique<const MelPlan>(n_mels);
}
LogMel::~LogMel() = default;
LogMel::LogMel(LogMel&&) noexcept = default;
LogMel& LogMel::operator=(LogMel&&) noexcept = default;

int LogMel::n_mels() const { return plan_->n_mels; }

float LogMel::frames(const float* padded, int64_t count, float* out, ThreadPool& pool) const {
  const int64_t blocks = (count + kBlockFrames - 1) / kBlockFrames;
  std::vector<float> largest(size_t(std::max<int64_t>(blocks, 1)), -10.0f);
  pool.for_each(blocks, [&](int64_t block, int) {
    const int64_t first = block * kBlockFrames;
    largest[size_t(block)] =
        log_mel_frames(*plan_, padded + first * kHop, int(std::min(kBlockFrames, count - first)),
                       out + first * plan_->n_mels);
  });
  return *std::max_element(largest.begin(), largest.end());
}

float LogMel::raw(std::span<const float> samples, int64_t end_zeros, Tensor out,
                  ThreadPool& pool) const {
  const int64_t count = frames_of(int64_t(samples.size()) + end_zeros);
  check(out.rank() == 2 && out.dim(0) == count && out.dim(1) == n_mels(),
        "log-mel output [T, n_mels]");
  std::vector<float> padded(samples_for(count));
  const Status read = read_padded(int64_t(samples.size()), end_zeros, -kReflected, padded,
                                  [&](int64_t first, std::span<float> part) {
                                    std::copy_n(samples.begin() + first, part.size(), part.begin());
                                    return Status();
                                  });
  check(read.ok(), "copying samples does not fail");
  return frames(padded.data(), count, out.data<float>(), pool);
}

int64_t LogMel::region(std::span<const float> samples, const RegionOptions& options, Tensor out,
                       ThreadPool& pool) const {
  check(out.rank() == 2 && out.dim(1) == n_mels(), "log-mel output [T, n_mels]");
  const int64_t all = frames_of(int64_t(samples.size()) + options.end_zeros);
  const int64_t kept =
      std::min(std::max<int64_t>(all - (options.drop_last ? 1 : 0), 0), out.dim(0));
  float largest;
  if (all <= out.dim(0)) {
    largest = raw(samples, options.end_zeros, out.rows(0, all), pool);
  } else {
    const OwnedTensor whole({}, DType::kF32, {all, n_mels()});
    largest = raw(samples, options.end_zeros, whole.view(), pool);
    std::copy_n(whole.view().data<float>(), kept * n_mels(), out.data<float>());
  }
  normalise(out.rows(0, kept), largest);
  const Tensor rest = out.rows(kept, out.dim(0) - kept);
  std::fill_n(rest.data<float>(), rest.size(), 0.0f);
  return kept;
}

Status LogMel::clip_frames(const Clip& clip, int64_t end_zeros, int64_t first, Tensor out,
                           ThreadPool& pool) const {
  check(out.rank() == 2 && out.dim(1) == n_mels(), "log-mel output [T, n_mels]");
  const int64_t count = out.dim(0);
  check(first >= 0 && first + count <= frames_of(clip.size_samples() + end_zeros),
        "frames within the clip");
  std::vector<float> padded(samples_for(count));
  MAIE_TRY(read_padded(clip.size_samples(), end_zeros, first * kHop - kReflected, padded,
                       [&](int64_t at, std::span<float> part) { return clip.read(at, part); }));
  frames(padded.data(), count, out.data<float>(), pool);
  return {};
}

Result<float> LogMel::scan_max(const Clip& clip, int64_t end_zeros, ThreadPool& pool) const {
  const int64_t count = frames_of(clip.size_samples() + end_zeros);
  const OwnedTensor piece({}, DType::kF32, {std::min<int64_t>(count, kSegmentFrames), n_mels()});
  std::vector<float> padded;
  float largest = -10.0f;
  for (int64_t first = 0; first < count; first += kSegmentFrames) {
    const int64_t now = std::min<int64_t>(kSegmentFrames, count - first);
    padded.resize(samples_for(now));
    MAIE_TRY(read_padded(clip.size_samples(), end_zeros, first * kHop - kReflected, padded,
                         [&](int64_t at, std::span<float> part) { return clip.read(at, part); }));
    largest = std::max(largest, frames(padded.data(), now, piece.view().data<float>(), pool));
  }
  return largest;
}

void LogMel::normalise(Tensor features, float largest) {
  const float least = largest - 8.0f;
  for (float& value : features.span<float>()) value = (std::max(value, least) + 4.0f) * 0.25f;
}

}  // namespace maie::audio
