#include "kernels/reference/linear.h"

#include <algorithm>
#include <cmath>

namespace maie::reference {
namespace {

double as_is(float value) { return double(value); }
double in_bf16(float value) { return double(float(BFloat16(value))); }
double magnitude(float value) { return std::abs(double(value)); }

template <class Prepare>
void multiply(ConstTensor x, ConstTensor w, ConstTensor bias, Tensor y, Prepare prepare,
              double (*prepare_bias)(float)) {
  const auto [R, K] = x.dims<2>();
  const int64_t N = w.dim(0);
  for (int64_t r = 0; r < R; ++r) {
    for (int64_t n = 0; n < N; ++n) {
      double sum = bias ? prepare_bias(bias.data<float>()[n]) : 0.0;
      for (int64_t k = 0; k < K; ++k) {
        sum += prepare(x.data<float>()[r * K + k]) * prepare(w.data<float>()[n * K + k]);
      }
      y.data<float>()[r * N + n] = float(sum);
    }
  }
}

float max_abs(const float* row, int64_t size) {
  float most = 0;
  for (int64_t i = 0; i < size; ++i) most = std::max(most, std::abs(row[i]));
  return most;
}

}  // namespace

void linear(ConstTensor x, ConstTensor w, ConstTensor bias, Tensor y) {
  multiply(x, w, bias, y, as_is, as_is);
}

void linear_bf16(ConstTensor x, ConstTensor w, ConstTensor bias, Tensor y) {
  multiply(x, w, bias, y, in_bf16, as_is);
}

void linear_magnitude(ConstTensor x, ConstTensor w, ConstTensor bias, Tensor y) {
  multiply(x, w, bias, y, magnitude, magnitude);
}

void linear_int8(ConstTensor x, ConstTensor q, ConstTensor scales, ConstTensor bias, Tensor y) {
  const auto [R, K] = x.dims<2>();
  const int64_t N = q.dim(0);
  for (int64_t r = 0; r < R; ++r) {
    const float* row = x.data<float>() + r * K;
    const float most = max_abs(row, K);
    const float scale = most > 0 ? 127.0f / most : 0.0f;
    for (int64_t n = 0; n < N; ++n) {
      int32_t sum = 0;
      for (int64_t k = 0; k < K; ++k) {
        sum += int32_t(std::nearbyint(row[k] * scale)) * q.data<int8_t>()[n * K + k];
      }
      const double value = double(sum) * (double(most) / 127) / double(scales.data<float>()[n]);
      y.data<float>()[r * N + n] = float(value + (bias ? double(bias.data<float>()[n]) : 0.0));
    }
  }
}

void linear_w4(ConstTensor x, ConstTensor w, ConstTensor bias, Tensor y) {
  constexpr int64_t kBlock = 128;
  const auto [R, K] = x.dims<2>();
  const int64_t N = w.dim(0);
  for (int64_t r = 0; r < R; ++r) {
    for (int64_t n = 0; n < N; ++n) {
      double sum = bias ? double(bias.data<float>()[n]) : 0.0;
      for (int64_t first = 0; first < K; first += kBlock) {
        const int64_t count = std::min(kBlock, K - first);
        const float* part = x.data<float>() + r * K + first;
        const float most = max_abs(part, count);
        const float scale = most > 0 ? 127.0f / most : 0.0f;
        for (int64_t k = 0; k < count; ++k) {
          const double rounded = double(std::nearbyint(part[k] * scale)) * (double(most) / 127);
          sum += rounded * double(w.data<float>()[n * K + first + k]);
        }
      }
      y.data<float>()[r * N + n] = float(sum);
    }
  }
}

void quantize_weights(ConstTensor w, Tensor q, Tensor scales) {
  const auto [N, K] = w.dims<2>();
  for (int64_t n = 0; n < N; ++n) {
    const float* row = w.data<float>() + n * K;
    const float most = max_abs(row, K);
    const float scale = most > 0 ? 127.0f / most : 127.0f;
    scales.data<float>()[n] = scale;
    for (int64_t k = 0; k < K; ++k) {
      q.data<int8_t>()[n * K + k] = int8_t(std::nearbyint(row[k] * scale));
    }
  }
}

}  // namespace maie::reference
