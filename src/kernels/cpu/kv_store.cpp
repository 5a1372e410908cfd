#include "kernels/cpu/kv_store.h"

#include <algorithm>
#include <cmath>

namespace maie::cpu {

float store_vector(DType type, const float* from, int64_t D, std::byte* to, int64_t stride) {
  float back = 1;
  float scale = 1;
  if (type == DType::kI8) {
    float most = 0;
    for (int64_t i = 0; i < D; ++i) most = std::max(most, std::fabs(from[i]));
    scale = most > 0 ? 127.0f / most : 0.0f;
    if (!std::isfinite(scale)) scale = 0;  // values next to nothing count as zeros
    back = most / 127.0f;
  }
  for (int64_t i = 0; i < D; ++i) {
    switch (type) {
      case DType::kI8:
        reinterpret_cast<int8_t*>(to)[i * stride] = int8_t(std::nearbyint(from[i] * scale));
        break;
      case DType::kBF16: reinterpret_cast<BFloat16*>(to)[i * stride] = BFloat16(from[i]); break;
      default: reinterpret_cast<float*>(to)[i * stride] = from[i]; break;
    }
  }
  return back;
}

}  // namespace maie::cpu
