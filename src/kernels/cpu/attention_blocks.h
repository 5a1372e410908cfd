#pragma once

#include <cstdint>

#include "tensor/dtype.h"

// Up to four queries over stored keys and values, straight from their type: what cross_attention
// and paged_attention do with a stretch of positions. On the calling thread, with the widest
// vectors.

namespace maie::cpu {

inline constexpr int64_t kKeyBlock = 16;    ///< positions in a block of keys
inline constexpr int kQueriesTogether = 4;  ///< that share a pass over keys or values

/// scores[r][t] = q[r] · key[t] for `blocks` blocks of positions.
/// @param type    kF32, kBF16 or kI8: of the keys. @param queries 1 to kQueriesTogether.
/// @param q       one pointer to [D] a query. @param keys blocks x D x kKeyBlock.
/// @param scales  one factor a position, or null.
void score_blocks(DType type, int queries, const float* const* q, const void* keys,
                  const float* scales, int64_t blocks, int64_t D, float* const* scores);

/// y[r] = sum_t weights[r][t] * value[t], on top of what is in y[r] with `add`.
/// @param values [T, D] of `type`.
void mix_values(DType type, int queries, const float* const* weights, const void* values, int64_t T,
                int64_t D, bool add, float* const* y);

}  // namespace maie::cpu
