#include "kernels/reference/swiglu.h"

#include <cmath>

namespace maie::reference {

void swiglu(ConstTensor gate_up, Tensor y) {
  const auto [R, F] = y.dims<2>();
  for (int64_t r = 0; r < R; ++r) {
    const float* row = gate_up.data<float>() + r * 2 * F;
    for (int64_t i = 0; i < F; ++i) {
      const double gate = row[i];
      y.data<float>()[r * F + i] = float(gate / (1 + std::exp(-gate)) * double(row[F + i]));
    }
  }
}

}  // namespace maie::reference
