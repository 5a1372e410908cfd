#include "kernels/reference/layer_norm.h"

#include <cmath>

namespace maie::reference {

void layer_norm(ConstTensor x, ConstTensor gamma, ConstTensor beta, double eps, Tensor y) {
  const auto [R, C] = x.dims<2>();
  for (int64_t r = 0; r < R; ++r) {
    const float* row = x.data<float>() + r * C;
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < C; ++c) mean += double(row[c]) / double(C);
    for (int64_t c = 0; c < C; ++c) {
      variance += (double(row[c]) - mean) * (double(row[c]) - mean) / double(C);
    }
    for (int64_t c = 0; c < C; ++c) {
      const double normal = (double(row[c]) - mean) / std::sqrt(variance + eps);
      y.data<float>()[r * C + c] =
          float(normal * double(gamma.data<float>()[c]) + double(beta.data<float>()[c]));
    }
  }
}

}  // namespace maie::reference
