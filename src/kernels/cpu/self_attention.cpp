// Encoder attention, one head at a time in tiles of query rows.
//
// K and V of every head are packed once for the matrix library. A tile of 64 queries then makes its
// scores [64, T], turns them into weights and multiplies by V, all within the second-level cache:
// no T x T matrix is ever in memory. The division by the softmax sum is done on the result row (D
// values instead of T). Roof: 4 T^2 C operations at the matrix rate, plus T^2 heads exponentials.

#include "kernels/cpu/self_attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/sizes.h"

namespace maie::cpu {
namespace {

constexpr int64_t kTile = 64;

}  // namespace

size_t self_attention_scratch_bytes(GemmType type, int64_t T, int64_t C, int64_t heads) {
  const int64_t D = C / heads;
  return size_t(heads) * (aligned(GemmMatrix::packed_bytes(type, D, T)) +
                          aligned(GemmMatrix::packed_bytes(type, T, D)));
}

void self_attention(ThreadPool& threads, GemmType type, const float* qkv, int64_t B, int64_t T,
                    int64_t C, int64_t heads, std::byte* scratch, float* y) {
  check(type != GemmType::kI8, "attention multiplies in float32 or bfloat16");
  const int64_t D = C / heads;
  const float factor = 1.0f / std::sqrt(float(D));
  const size_t element_bytes = gemm_element_bytes(type);
  const size_t key_bytes = aligned(GemmMatrix::packed_bytes(type, D, T));
  const size_t value_bytes = aligned(GemmMatrix::packed_bytes(type, T, D));
  std::vector<GemmMatrix> keys(static_cast<size_t>(heads));
  std::vector<GemmMatrix> values(static_cast<size_t>(heads));
  const int64_t tiles = (T + kTile - 1) / kTile;

  for (int64_t b = 0; b < B; ++b, qkv += T * 3 * C, y += T * C) {
    threads.for_each(2 * heads, [&](int64_t index, int) {
      const int64_t head = index / 2;
      std::byte* place = scratch + size_t(head) * (key_bytes + value_bytes);
      if (index % 2 == 0) {
        keys[size_t(head)] = GemmMatrix::pack(
            type, D, T, {qkv + C + head * D, true, /*stride_k=*/1, /*stride_n=*/3 * C}, place);
      } else {
        values[size_t(head)] = GemmMatrix::pack(
            type, T, D, {qkv + 2 * C + head * D, true, /*stride_k=*/3 * C, /*stride_n=*/1},
            place + key_bytes);
      }
    });

    threads.for_each(heads * tiles, [&](int64_t index, int) {
      const int64_t head = index / tiles;
      const int64_t first = index % tiles * kTile;
      const int64_t rows = std::min(kTile, T - first);
      float sums[kTile];
      auto* scores = reinterpret_cast<float*>(member_scratch(0, size_t(kTile * T) * 4));
      std::byte* left = member_scratch(1, size_t(kTile * std::max(T, D)) * element_bytes);
      auto* left_f32 = reinterpret_cast<float*>(left);
      auto* left_bf16 = reinterpret_cast<uint16_t*>(left);

      for (int64_t r = 0; r < rows; ++r) {
        const float* q = qkv + (first + r) * 3 * C + head * D;
        if (type == GemmType::kF32) {
          scale_row(q, factor, D, left_f32 + r * D);
        } else {
          round_to_bf16(q, D, factor, left_bf16 + r * D);
        }
      }
      gemm(keys[size_t(head)], left, D, rows, scores, T);
      for (int64_t r = 0; r < rows; ++r) {
        sums[r] = type == GemmType::kF32 ? softmax_row(scores + r * T, T, left_f32 + r * T)
                                         : softmax_row_bf16(scores + r * T, T, left_bf16 + r * T);
      }
      gemm(values[size_t(head)], left, T, rows, scores, D);
      for (int64_t r = 0; r < rows; ++r) {
        scale_row(scores + r * D, 1.0f / sums[r], D, y + (first + r) * C + head * D);
      }
    });
  }
}

}  // namespace maie::cpu
