#include "audio/resampler.h"

#include <soxr.h>

#include <cmath>

namespace maie::audio {

struct Resampler::State {
  soxr_t soxr = nullptr;  // null: equal rates
  double ratio = 1;
  ~State() {
    if (soxr != nullptr) soxr_delete(soxr);
  }
};

Resampler::Resampler() : state_(std::make_unique<State>()) {}
Resampler::~Resampler() = default;
Resampler::Resampler(Resampler&&) noexcept = default;
Resampler& Resampler::operator=(Resampler&&) noexcept = default;

Result<Resampler> Resampler::create(int from_hz, int to_hz) {
  check(from_hz > 0 && to_hz > 0, "positive rates");
  Resampler made;
  if (from_hz == to_hz) return made;
  made.state_->ratio = double(to_hz) / from_hz;
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, SOXR_ROLLOFF_NONE);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
  soxr_error_t error = nullptr;
  made.state_->soxr = soxr_create(from_hz, to_hz, 1, &error, &io, &quality, &runtime);
  if (error != nullptr || made.state_->soxr == nullptr) {
    return unsupported("cannot resample from " + std::to_string(from_hz) + " to " +
                       std::to_string(to_hz) + " Hz: " + (error != nullptr ? error : "unknown"));
  }
  return made;
}

namespace {

/// Runs soxr over `in` (null: the end) until it gives no more.
Status drain(soxr_t soxr, const float* in, size_t size, double ratio, std::vector<float>& out) {
  const size_t room = size_t(std::ceil(double(size) * ratio)) + 4096;
  while (true) {
    const size_t before = out.size();
    out.resize(before + room);
    size_t used = 0, made = 0;
    const soxr_error_t error =
        soxr_process(soxr, in, size, &used, out.data() + before, room, &made);
    out.resize(before + made);
    if (error != nullptr) return internal_error(std::string("resampler: ") + error);
    if (in != nullptr) {
      in += used;
      size -= used;
      if (size == 0 && made < room) return {};
    } else if (made == 0) {
      return {};
    }
  }
}

}  // namespace

Status Resampler::push(std::span<const float> in, std::vector<float>& out) {
  if (in.empty()) return {};
  if (state_->soxr == nullptr) {
    out.insert(out.end(), in.begin(), in.end());
    return {};
  }
  return drain(state_->soxr, in.data(), in.size(), state_->ratio, out);
}

Status Resampler::finish(std::vector<float>& out) {
  if (state_->soxr == nullptr) return {};
  return drain(state_->soxr, nullptr, 0, 1, out);
}

}  // namespace maie::audio
