#pragma once

#include <cstdint>

namespace maie {

/// Samples [begin, end) of a recording at 16 kHz.
struct SampleSpan {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
  friend bool operator==(const SampleSpan&, const SampleSpan&) = default;
};

}  // namespace maie
