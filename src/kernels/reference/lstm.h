#pragma once

#include "tensor/tensor.h"

namespace maie::reference {

/// ops::lstm in double, with w_hh [4H, H] as stored.
void lstm(ConstTensor projected, ConstTensor w_hh, Tensor h, Tensor c, Tensor y);

}  // namespace maie::reference
