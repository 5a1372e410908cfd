#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace maie::audio {

/// Constants of the log-mel transform, computed once in double and stored as float. Internal to
/// log_mel.cpp (which fills it) and log_mel_simd.cpp (which reads it).
struct MelPlan {
  static constexpr int kWindow = 400;  ///< samples in a frame
  static constexpr int kHop = 160;     ///< samples from one frame to the next
  static constexpr int kBins = kWindow / 2 + 1;
  static constexpr int kHalf = kWindow / 2;  ///< length of the complex transform

  /// One triangle: `count` weights for the bins from `first_bin`, at `weights[offset...]`.
  struct Filter {
    int first_bin = 0;
    int count = 0;
    int offset = 0;
  };

  explicit MelPlan(int n_mels);

  int n_mels;
  std::array<float, kWindow> window;            ///< periodic Hann, times 1/2 (see log_mel_simd.cpp)
  std::array<float, 40 * 4 * 2> twiddle_first;  ///< cos, -sin of 2 pi j p / 200; [p][j - 1]
  std::array<float, 8 * 4 * 2> twiddle_second;  ///< cos, -sin of 2 pi j p / 40;  [p][j - 1]
  std::array<float, 101 * 2> untangle;          ///< cos, -sin of 2 pi k / 400
  std::vector<Filter> filters;
  std::vector<float> weights;
};

/// log10(max(mel power, 1e-10)) of `frames` frames; frame f covers samples [160 f, 160 f + 400).
/// @param samples 160 (frames - 1) + 400 readable floats.
/// @param out     [frames, n_mels], written.
/// @returns the largest value written; -10 when `frames` is 0.
float log_mel_frames(const MelPlan& plan, const float* samples, int frames, float* out);

}  // namespace maie::audio
