#pragma once

#include "tensor/tensor.h"

namespace maie::reference {

/// y = gate * sigmoid(gate) * up. @param gate_up [R, 2F], rows gate | up. @param y [R, F].
void swiglu(ConstTensor gate_up, Tensor y);

}  // namespace maie::reference
