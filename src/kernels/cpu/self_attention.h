#pragma once

#include "base/threads.h"
#include "kernels/cpu/gemm.h"

namespace maie::cpu {

/// Bytes of scratch `self_attention` needs for one sequence of T rows of C values.
size_t self_attention_scratch_bytes(GemmType type, int64_t T, int64_t C, int64_t heads);

/// y = softmax(q kᵀ / sqrt(D)) v for every head, all rows looking at all rows.
/// @param type kF32 or kBF16: the type of the two products; softmax and sums are float.
/// @param qkv [B, T, 3C] float, each row q | k | v. @param y [B, T, C].
/// @param scratch self_attention_scratch_bytes, aligned to 64.
void self_attention(ThreadPool& threads, GemmType type, const float* qkv, int64_t B, int64_t T,
                    int64_t C, int64_t heads, std::byte* scratch, float* y);

}  // namespace maie::cpu
