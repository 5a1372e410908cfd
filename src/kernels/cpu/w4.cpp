#include "kernels/cpu/w4.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/dtype.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/w4.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maie::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline float half_at(const std::byte* at) {
  Half half;
  std::memcpy(&half.bits, at, sizeof half.bits);
  return float(half);
}

HWY_ATTR void panel_kernel(const W4Format& format, const std::byte* panel, const float* factors,
                           const W4Activations& x, int64_t rows, int64_t width, bool add, float* y,
                           int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    const W4Activations row = x.from(format, r);
    for (int64_t n = 0; n < width; ++n) {
      float acc = 0;
      for (int64_t g = 0; g < format.groups; ++g) {
        const std::byte* group = panel + size_t(g) * format.group_bytes();
        int32_t sum = format.offsets ? 0 : row.sums[g];
        for (int64_t j = 0; j < format.group / 8; ++j) {
          for (int64_t i = 0; i < 4; ++i) {
            const int byte = int(group[(j * kW4Panel + n) * 4 + i]);
            const int8_t* q = row.codes + g * format.group + 8 * j + i;
            sum += (byte & 15) * q[0] + (byte >> 4) * q[4];
          }
        }
        const std::byte* halves = group + kW4Panel * format.group / 2;
        acc += float(sum) * (half_at(halves + n * 2) * row.steps[g]);
        if (format.offsets) {
          acc += half_at(halves + (kW4Panel + n) * 2) * (float(row.sums[g]) * row.steps[g]);
        }
      }
      float& out = y[r * stride + n];
      out = add ? out + acc * factors[n] : acc * factors[n];
    }
  }
}

HWY_ATTR void quantize_kernel(const W4Format& format, const float* x, int64_t size,
                              const W4Activations& out) {
  for (int64_t g = 0; g < format.groups; ++g) {
    const float* group = x + g * format.group;
    const int64_t count = std::min(format.group, size - g * format.group);
    int8_t* codes = out.codes + g * format.group;
    float most = 0;
    for (int64_t i = 0; i < count; ++i) most = std::max(most, std::abs(group[i]));
    const float wanted = most > 0 && std::isfinite(most) ? 127.0f / most : 0.0f;
    const float scale = std::isfinite(wanted) ? wanted : 0.0f;
    int32_t sum = 0;
    for (int64_t i = 0; i < format.group; ++i) {
      const float value = i < count && scale > 0 ? std::nearbyint(group[i] * scale) : 0.0f;
      codes[i] = int8_t(value);
      sum += codes[i];
    }
    out.steps[g] = scale > 0 ? most / 127.0f : 0.0f;
    out.sums[g] = format.offsets ? sum : -8 * sum;
  }
}

}  // namespace maie::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maie::cpu {

HWY_EXPORT(panel_kernel);
HWY_EXPORT(quantize_kernel);

W4Activations W4Activations::in(std::byte* memory, const W4Format& format, int64_t rows) {
  const size_t codes = aligned(size_t(rows * format.groups * format.group));
  const size_t steps = aligned(size_t(rows * format.groups) * sizeof(float));
  return {reinterpret_cast<int8_t*>(memory), reinterpret_cast<float*>(memory + codes),
          reinterpret_cast<int32_t*>(memory + codes + steps)};
}

void quantize_w4_row(const W4Format& format, const float* x, int64_t size,
                     const W4Activations& out) {
  HWY_DYNAMIC_DISPATCH(quantize_kernel)(format, x, size, out);
}

void w4_panel(const W4Format& format, const std::byte* panel, const float* factors,
              const W4Activations& x, int64_t rows, int64_t width, bool add, float* y,
              int64_t stride) {
  HWY_DYNAMIC_DISPATCH(panel_kernel)(format, panel, factors, x, rows, width, add, y, stride);
}

}  // namespace maie::cpu
#endif  // HWY_ONCE
