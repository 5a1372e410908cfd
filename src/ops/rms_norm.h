#pragma once

#include "tensor/tensor.h"

namespace maie::ops {

/// y = x / sqrt(mean(x²) + eps) * weight over the last dimension (arXiv:1910.07467).
/// @param x, y [..., C] float32; y may be x. @param weight [C] float32; a width of several heads is
/// given as one more dimension of x.
void rms_norm(Stream& s, ConstTensor x, ConstTensor weight, Tensor y, float eps = 1e-6f);

}  // namespace maie::ops
