#pragma once

#include <span>

#include "tensor/tensor.h"

namespace maie::cpu {

/// y[r] = values[ids[r]] (divided by its scale when int8) + positions[position_of[r]], rows of C;
/// without positions (null) nothing is added, and position_of is empty.
void embed(std::span<const int> ids, std::span<const int> position_of, ConstTensor values,
           ConstTensor scales, const float* positions, int64_t C, float* y);

}  // namespace maie::cpu
