#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/status.h"

namespace maie::audio {

/// Mono float samples of any rate to another rate, as a stream (soxr, "HQ" without roll-off: linear
/// phase, errors below -115 dB up to 90 % of the lower Nyquist frequency). The delay of the filter
/// is taken out: output sample 0 lies at input sample 0. Equal rates pass samples through
/// unchanged. One thread at a time.
class Resampler {
 public:
  static Result<Resampler> create(int from_hz, int to_hz);
  ~Resampler();
  Resampler(Resampler&&) noexcept;
  Resampler& operator=(Resampler&&) noexcept;

  /// Appends to `out` what `in` completes.
  Status push(std::span<const float> in, std::vector<float>& out);
  /// Appends what is still in the filter. Nothing may be pushed afterwards.
  Status finish(std::vector<float>& out);

 private:
  Resampler();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maie::audio
