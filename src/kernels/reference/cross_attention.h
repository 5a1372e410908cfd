#pragma once

#include <span>

#include "tensor/tensor.h"

namespace maie::reference {

/// y[r] = softmax(q[r] Kᵀ / sqrt(D)) V, row r over windows[r].
/// @param q, y [R, C]. @param windows one [T, 2C] a row, rows k | v.
/// @param scores [H, R, T] raw scores; absent: none wanted (else all windows have one T).
void cross_attention(ConstTensor q, std::span<const ConstTensor> windows, int heads, Tensor y,
                     Tensor scores = {});

}  // namespace maie::reference
