#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace maie::audio {

/// A sample in [-1, 1] as 16 bits: times 32768, rounded to the nearest, clipped. NaN becomes 0.
inline int16_t to_s16(float sample) {
  if (!(sample == sample)) return 0;
  return int16_t(std::lrintf(std::clamp(sample * 32768.0f, -32768.0f, 32767.0f)));
}

inline float from_s16(int16_t sample) { return float(sample) * (1.0f / 32768.0f); }

}  // namespace maie::audio
