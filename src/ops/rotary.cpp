#include "ops/rotary.h"

#include <cmath>

#include "kernels/cpu/linear.h"
#include "kernels/cpu/rows.h"
#include "ops/dispatch.h"
#include "ops/each_row.h"

namespace maie::ops {

void rotary(Stream& s, std::span<const int32_t> positions, ConstTensor frequencies, Tensor x) {
  const auto [R, heads, D] = x.dims<3>();
  const int64_t half = frequencies.size();
  check(2 * half == D, "rotary: a frequency for each pair");
  check(int64_t(positions.size()) == R, "rotary: a position for each row");
  if (s.is_dry_run()) return;
  switch (s.device().kind) {
    case Device::Kind::kCpu:
      each_row(s, R, heads * D, [&, heads = heads, D = D](int64_t r) {
        auto* cos = reinterpret_cast<float*>(cpu::member_scratch(0, size_t(D) * sizeof(float)));
        float* sin = cos + half;
        for (int64_t i = 0; i < half; ++i) {
          // The angle in float32, as the networks were trained; its functions without its error.
          const double angle = double(float(positions[size_t(r)]) * frequencies.data<float>()[i]);
          cos[i] = float(std::cos(angle));
          sin[i] = float(std::sin(angle));
        }
        for (int64_t head = 0; head < heads; ++head) {
          cpu::rotate_row(cos, sin, half, x.data<float>() + (r * heads + head) * D);
        }
      });
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

}  // namespace maie::ops
