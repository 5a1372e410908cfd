#include "kernels/reference/lstm.h"

#include <cmath>
#include <vector>

namespace maie::reference {

void lstm(ConstTensor projected, ConstTensor w_hh, Tensor h, Tensor c, Tensor y) {
  const auto [T, gates] = projected.dims<2>();
  const int64_t H = gates / 4;
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  // The state stays in double between the steps: only the ends are float.
  std::vector<double> state(size_t(2 * H)), sum(static_cast<size_t>(gates));
  double* hidden = state.data();
  double* cell = hidden + H;
  for (int64_t u = 0; u < H; ++u) {
    hidden[u] = double(h.data<float>()[u]);
    cell[u] = double(c.data<float>()[u]);
  }
  for (int64_t t = 0; t < T; ++t) {
    for (int64_t n = 0; n < gates; ++n) {
      double total = double(projected.data<float>()[t * gates + n]);
      for (int64_t k = 0; k < H; ++k) total += double(w_hh.data<float>()[n * H + k]) * hidden[k];
      sum[size_t(n)] = total;
    }
    for (int64_t u = 0; u < H; ++u) {
      const double in = sigmoid(sum[size_t(u)]);
      const double forget = sigmoid(sum[size_t(H + u)]);
      const double value = std::tanh(sum[size_t(2 * H + u)]);
      const double out = sigmoid(sum[size_t(3 * H + u)]);
      cell[u] = forget * cell[u] + in * value;
      hidden[u] = out * std::tanh(cell[u]);
      y.data<float>()[t * H + u] = float(hidden[u]);
    }
  }
  for (int64_t u = 0; u < H; ++u) {
    h.data<float>()[u] = float(hidden[u]);
    c.data<float>()[u] = float(cell[u]);
  }
}

}  // namespace maie::reference
