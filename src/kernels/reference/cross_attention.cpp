#include "kernels/reference/cross_attention.h"

#include "kernels/reference/self_attention.h"

namespace maie::reference {

void cross_attention(ConstTensor q, std::span<const ConstTensor> windows, int heads, Tensor y,
                     Tensor scores) {
  const auto [R, C] = q.dims<2>();
  const int64_t D = C / heads;
  for (int64_t r = 0; r < R; ++r) {
    const ConstTensor window = windows[size_t(r)];
    const int64_t T = window.dim(0);
    for (int head = 0; head < heads; ++head) {
      std::vector<const float*> keys, values;
      for (int64_t t = 0; t < T; ++t) {
        keys.push_back(window.data<float>() + t * 2 * C + head * D);
        values.push_back(keys.back() + C);
      }
      const int64_t start = r * C + head * D;
      const std::vector<double> raw =
          attend(q.data<float>() + start, keys, values, D, y.data<float>() + start);
      if (!scores) continue;
      for (int64_t t = 0; t < T; ++t) {
        scores.data<float>()[(head * R + r) * T + t] = float(raw[size_t(t)]);
      }
    }
  }
}

}  // namespace maie::reference
