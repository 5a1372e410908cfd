#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/threads.h"
#include "tensor/tensor.h"

namespace maie::cpu {

/// Encoder keys and values of one window and one layer, stored for `cross_attention`.
///
/// Keys: heads x blocks of 16 positions x D x 16, so that one vector holds one component of 16
/// positions and no sum across lanes is needed. Values: heads x T x D. Int8 has one scale for each
/// (head, position) of keys and of values; the other types have none.
class CrossKeyValues {
 public:
  CrossKeyValues() = default;
  /// @param type kF32, kBF16 or kI8. @param kv [T, 2C] float, rows k | v.
  static size_t storage_bytes(DType type, int64_t T, int64_t C, int64_t heads);
  static CrossKeyValues pack(ThreadPool& threads, DType type, const float* kv, int64_t T, int64_t C,
                             int64_t heads, std::byte* storage);

  DType type() const { return type_; }
  int64_t T() const { return T_; }
  int64_t D() const { return D_; }
  int64_t heads() const { return heads_; }
  const std::byte* keys(int64_t head) const;
  const std::byte* values(int64_t head) const;
  const float* key_scales(int64_t head) const;    ///< [T rounded up to 16], kI8 only
  const float* value_scales(int64_t head) const;  ///< likewise

 private:
  DType type_ = DType::kF32;
  int64_t T_ = 0, D_ = 0, heads_ = 0;
  const std::byte* data_ = nullptr;
};

/// Where to leave raw scores q·k / sqrt(D) of some heads: [rows, T] each, null elsewhere.
struct ScoreOutputs {
  std::span<float* const> of_head;  ///< one pointer a head; empty: none wanted
};

/// y[r] = softmax(q[r] Kᵀ / sqrt(D)) V for every head, where row r looks at windows[r].
/// @param q, y [rows, C] float. Neighbouring rows of the same window share one pass over its keys.
void cross_attention(ThreadPool& threads, const float* q, int64_t rows,
                     std::span<const CrossKeyValues* const> windows, ScoreOutputs scores, float* y);

/// Positions a decoder row looks at: `cells` in order, its own cell last.
struct RowHistory {
  const int32_t* cells = nullptr;
  int32_t count = 0;
};

/// Stores k and v of each row in its own cell and attends over the row's history.
/// @param qkv [rows, 3C] float. @param cache [cells, 2C] float32 or bfloat16, rows k | v.
/// @param y [rows, C]. All rows' cells are written before any row reads.
void cached_attention(ThreadPool& threads, const float* qkv, int64_t rows, int64_t heads,
                      std::span<const RowHistory> histories, Tensor cache, float* y);

}  // namespace maie::cpu
