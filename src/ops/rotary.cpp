#include "ops/rotary.h"

#include <cmath>

#include "kernels/cpu/linear.h"
#include "kernels/cpu/rows.h"
#include "ops/dispatch.h"
#include "ops/each_row.h"

namespace maie::ops {
namespace {

void turn_row(int32_t position, ConstTensor frequencies, const RotaryOptions& options, float* row) {
  const int64_t half = frequencies.size();
  auto* cos = reinterpret_cast<float*>(cpu::member_scratch(0, size_t(2 * half) * sizeof(float)));
  float* sin = cos + half;
  for (int64_t i = 0; i < half; ++i) {
    // The angle in float32, as the networks were trained; its functions without its error.
    const double angle = double(float(position) * frequencies.data<float>()[i]);
    cos[i] = float(std::cos(angle));
    sin[i] = float(std::sin(angle));
  }
  for (int head = 0; head < options.heads + options.kv_heads; ++head, row += 2 * half) {
    const ConstTensor norm = head < options.heads ? options.query_norm : options.key_norm;
    if (norm.raw() != nullptr)
      cpu::rms_norm_row(row, norm.data<float>(), 2 * half, options.eps, row);
    cpu::rotate_row(cos, sin, half, row);
  }
}

}  // namespace

void rotary(Stream& s, std::span<const int32_t> positions, ConstTensor frequencies,
            const RotaryOptions& options, Tensor qkv) {
  const auto [R, width] = qkv.dims<2>();
  const int64_t D = 2 * frequencies.size();
  check(width == (options.heads + 2 * options.kv_heads) * D, "rotary: q | k | v of whole heads");
  for (const ConstTensor norm : {options.query_norm, options.key_norm}) {
    check(norm.raw() == nullptr || norm.size() == D, "rotary: norms of a head's width");
  }
  check(int64_t(positions.size()) == R, "rotary: a position for each row");
  if (s.is_dry_run()) return;
  switch (s.device().kind) {
    case Device::Kind::kCpu:
      each_row(s, R, width, [&, width = width](int64_t r) {
        turn_row(positions[size_t(r)], frequencies, options, qkv.data<float>() + r * width);
      });
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

}  // namespace maie::ops
