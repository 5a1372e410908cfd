#pragma once

#include "tensor/tensor.h"

namespace maie::reference {

/// y = x / sqrt(mean(x²) + eps) * weight over the last dimension. @param x, y [..., C]. @param
/// weight [C].
void rms_norm(ConstTensor x, ConstTensor weight, float eps, Tensor y);

}  // namespace maie::reference
