#pragma once

#include <span>

#include "tensor/tensor.h"

namespace maie::reference {

/// Turns the pairs (i, i + D/2) of every head by position * frequency[i]; the angle in float32.
/// @param positions [R]. @param frequencies [D/2]. @param x [R, heads * D], D = 2 * frequencies.
void rotary(std::span<const int32_t> positions, ConstTensor frequencies, Tensor x);

}  // namespace maie::reference
