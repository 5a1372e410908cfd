#pragma once

#include "tensor/tensor.h"

namespace maie::reference {

/// y[b, t, c*kernel + k] = x[b, t*stride - pad + k, c], zero where that row does not exist.
/// @param x [B, T, C]. @param y [B, windows, C*kernel].
void unfold(ConstTensor x, int64_t kernel, int64_t stride, int64_t pad, Tensor y);

}  // namespace maie::reference
