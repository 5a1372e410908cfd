#pragma once

#include "tensor/tensor.h"

namespace maie::reference {

/// y = (x - mean) / sqrt(var + eps) * gamma + beta by rows, population variance.
/// @param x, y [R, C]. @param gamma, beta [C]. All float32.
void layer_norm(ConstTensor x, ConstTensor gamma, ConstTensor beta, double eps, Tensor y);

}  // namespace maie::reference
