#pragma once

#include <span>
#include <vector>

#include "kernels/cpu/decoder_attention.h"
#include "tensor/arena.h"

namespace maie::ops {

struct SelfAttentionOptions {
  int heads = 1;
  ComputeType type =
      ComputeType::kFloat32;  ///< of the two products: float32, else bfloat16 if native
};

/// y = softmax(q kᵀ / sqrt(D)) v for every head and sequence; every row looks at every row.
/// @param qkv [B, T, 3C] float32, each row q | k | v. @param y [B, T, C] float32.
/// @param scratch gives the packed keys and values of one sequence, returned before the call ends.
void self_attention(Stream& s, ConstTensor qkv, const SelfAttentionOptions& options, Arena& scratch,
                    Tensor y);

/// Keys and values of one window for one decoder layer, in the layout `cross_attention` streams.
class CrossCache {
 public:
  /// Room for T positions of C values in `type` (float32, bfloat16 or int8).
  CrossCache(Device device, DType type, int64_t T, int64_t C, int heads);

  /// Fills the cache. @param kv [T, C+C] float32, rows k | v.
  void store(Stream& s, ConstTensor kv);

  size_t size_bytes() const { return storage_.size_bytes(); }
  const cpu::CrossKeyValues& cpu() const { return cpu_; }

 private:
  Buffer storage_;
  DType type_;
  int64_t T_, C_;
  int heads_;
  cpu::CrossKeyValues cpu_;
};

/// y[r] = softmax(q[r] Kᵀ / sqrt(D)) V over the window that row r belongs to.
/// @param q, y [R, C] float32. @param windows one pointer a row; equal neighbours share a pass.
/// @param head_scores empty, or one pointer a head: where to leave its raw scores [R, T] (or null).
void cross_attention(Stream& s, ConstTensor q, std::span<const CrossCache* const> windows,
                     std::span<float* const> head_scores, Tensor y);

/// The positions a decoder row looks at, as cells of the cache; its own cell is the last.
using RowHistory = cpu::RowHistory;

/// Causal self-attention of single rows over a cache of cells. First every row's k and v go to its
/// own cell (rounded to the cache's type), then each row attends over its history. Hypotheses that
/// share a past share its cells, so that a fork costs a list of numbers and no copy.
/// @param qkv [R, 3C] float32. @param cache [cells, 2C] float32 or bfloat16. @param y [R, C]
/// float32.
void cached_attention(Stream& s, ConstTensor qkv, int heads, std::span<const RowHistory> histories,
                      Tensor cache, Tensor y);

}  // namespace maie::ops
