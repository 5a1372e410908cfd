#include "kernels/cpu/unfold.h"

#include <algorithm>

namespace maie::cpu {

void unfold(ThreadPool& threads, const float* x, int64_t B, int64_t T, int64_t C, int64_t kernel,
            int64_t stride, int64_t pad, int64_t windows, float* y) {
  constexpr int64_t kBlock = 64;
  const int64_t blocks = (windows + kBlock - 1) / kBlock;
  threads.for_each(B * blocks, [&](int64_t index, int) {
    const int64_t b = index / blocks;
    const int64_t first = index % blocks * kBlock;
    for (int64_t t = first; t < std::min(windows, first + kBlock); ++t) {
      float* row = y + (b * windows + t) * C * kernel;
      for (int64_t k = 0; k < kernel; ++k) {
        const int64_t from = t * stride - pad + k;
        const float* source = from >= 0 && from < T ? x + (b * T + from) * C : nullptr;
        for (int64_t c = 0; c < C; ++c) row[c * kernel + k] = source != nullptr ? source[c] : 0.0f;
      }
    }
  });
}

}  // namespace maie::cpu
