#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace maie::reference {

/// y = x Wᵀ + b. @param x [R, K], w [N, K], bias [N] or absent, y [R, N]; all float32.
void linear(ConstTensor x, ConstTensor w, ConstTensor bias, Tensor y);

/// The same with every element of x and w first rounded to bfloat16.
void linear_bf16(ConstTensor x, ConstTensor w, ConstTensor bias, Tensor y);

/// The same in 8 bit, as CTranslate2 does it: each row of x is rounded to round(x * 127 / max|x|),
/// half to even; products are summed as integers; both scales are then taken back.
/// @param q [N, K] int8, weight = q / scales. @param scales [N] float32.
void linear_int8(ConstTensor x, ConstTensor q, ConstTensor scales, ConstTensor bias, Tensor y);

/// The same with the activations of a 4-bit layer: each 128 values of a row of x, the last ones
/// perhaps fewer, are rounded to round(x * 127 / max|x|) of their own. @param w [N, K] float32.
void linear_w4(ConstTensor x, ConstTensor w, ConstTensor bias, Tensor y);

/// Weights as `linear_int8` wants them: scale = 127 / max|row| (127 for a row of zeros).
void quantize_weights(ConstTensor w, Tensor q, Tensor scales);

/// Σ|x w| + |b| of each output: what the rounding errors of a sum are proportional to.
void linear_magnitude(ConstTensor x, ConstTensor w, ConstTensor bias, Tensor y);

}  // namespace maie::reference
