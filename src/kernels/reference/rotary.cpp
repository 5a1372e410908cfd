#include "kernels/reference/rotary.h"

#include <cmath>

namespace maie::reference {

void rotary(std::span<const int32_t> positions, ConstTensor frequencies, Tensor x) {
  const int64_t half = frequencies.size();
  const int64_t width = x.dim(-1);
  for (size_t r = 0; r < positions.size(); ++r) {
    for (int64_t head = 0; head < width / (2 * half); ++head) {
      float* first = x.data<float>() + int64_t(r) * width + head * 2 * half;
      for (int64_t i = 0; i < half; ++i) {
        const double angle = double(float(positions[r]) * frequencies.data<float>()[i]);
        const double a = first[i], b = first[half + i];
        first[i] = float(a * std::cos(angle) - b * std::sin(angle));
        first[half + i] = float(b * std::cos(angle) + a * std::sin(angle));
      }
    }
  }
}

}  // namespace maie::reference
