#pragma once

#include "tensor/tensor.h"

namespace maie::ops {

/// y = gate * sigmoid(gate) * up (arXiv:2002.05202).
/// @param gate_up [R, 2F] float32, rows gate | up: one `linear` makes both. @param y [R, F]
/// float32.
void swiglu(Stream& s, ConstTensor gate_up, Tensor y);

}  // namespace maie::ops
