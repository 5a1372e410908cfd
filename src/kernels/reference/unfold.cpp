#include "kernels/reference/unfold.h"

namespace maie::reference {

void unfold(ConstTensor x, int64_t kernel, int64_t stride, int64_t pad, Tensor y) {
  const auto [B, T, C] = x.dims<3>();
  const int64_t windows = y.dim(1);
  float* out = y.data<float>();
  for (int64_t b = 0; b < B; ++b) {
    for (int64_t t = 0; t < windows; ++t) {
      for (int64_t c = 0; c < C; ++c) {
        for (int64_t k = 0; k < kernel; ++k) {
          const int64_t from = t * stride - pad + k;
          *out++ = from >= 0 && from < T ? x.data<float>()[(b * T + from) * C + c] : 0.0f;
        }
      }
    }
  }
}

}  // namespace maie::reference
