#include "kernels/reference/cached_attention.h"

#include <algorithm>

#include "kernels/reference/self_attention.h"

namespace maie::reference {

void cached_attention(ConstTensor qkv, int heads, std::span<const std::vector<int32_t>> histories,
                      Tensor cache, Tensor y) {
  const auto [R, C] = y.dims<2>();
  const int64_t D = C / heads;
  for (int64_t r = 0; r < R; ++r) {
    const int64_t cell = histories[size_t(r)].back();
    std::copy_n(qkv.data<float>() + r * 3 * C + C, 2 * C, cache.data<float>() + cell * 2 * C);
  }
  for (int64_t r = 0; r < R; ++r) {
    for (int head = 0; head < heads; ++head) {
      std::vector<const float*> keys, values;
      for (const int64_t cell : histories[size_t(r)]) {
        keys.push_back(cache.data<float>() + cell * 2 * C + head * D);
        values.push_back(keys.back() + C);
      }
      attend(qkv.data<float>() + r * 3 * C + head * D, keys, values, D,
             y.data<float>() + r * C + head * D);
    }
  }
}

}  // namespace maie::reference
