#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace maie::reference {

/// One query over some keys: softmax(q kᵀ / sqrt(D)) v of one head.
/// @param q [D]. @param keys, values one pointer to [D] for each position looked at.
/// @param y [D]. Returns the raw scores.
std::vector<double> attend(const float* q, const std::vector<const float*>& keys,
                           const std::vector<const float*>& values, int64_t D, float* y);

/// @param qkv [B, T, 3C] rows q | k | v. @param y [B, T, C].
void self_attention(ConstTensor qkv, int heads, Tensor y);

}  // namespace maie::reference
