#include "kernels/reference/rms_norm.h"

#include <cmath>

namespace maie::reference {

void rms_norm(ConstTensor x, ConstTensor weight, float eps, Tensor y) {
  const int64_t C = x.dim(-1);
  const int64_t rows = C == 0 ? 0 : x.size() / C;
  for (int64_t r = 0; r < rows; ++r) {
    const float* in = x.data<float>() + r * C;
    double squares = 0;
    for (int64_t i = 0; i < C; ++i) squares += double(in[i]) * double(in[i]);
    const double factor = 1 / std::sqrt(squares / double(C) + double(eps));
    for (int64_t i = 0; i < C; ++i) {
      y.data<float>()[r * C + i] = float(double(in[i]) * factor * double(weight.data<float>()[i]));
    }
  }
}

}  // namespace maie::reference
