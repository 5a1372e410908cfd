#include "kernels/reference/grouped_attention.h"

#include "kernels/reference/self_attention.h"

namespace maie::reference {

void grouped_attention(ConstTensor qkv, int heads, int kv_heads, Tensor y) {
  const auto [T, width] = qkv.dims<2>();
  const int64_t D = width / (heads + 2 * kv_heads);
  for (int head = 0; head < heads; ++head) {
    const int64_t key_head = head / (heads / kv_heads);
    std::vector<const float*> keys, values;
    for (int64_t t = 0; t < T; ++t) {
      const float* row = qkv.data<float>() + t * width;
      keys.push_back(row + (heads + key_head) * D);
      values.push_back(row + (heads + kv_heads + key_head) * D);
      attend(row + head * D, keys, values, D, y.data<float>() + (t * heads + head) * D);
    }
  }
}

}  // namespace maie::reference
