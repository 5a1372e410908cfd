#pragma once

#include <span>

#include "tensor/tensor.h"

namespace maie::ops {

/// Rotary position embedding (arXiv:2104.09864) in its form by halves: in every head of x the pair
/// (i, i + D/2) turns by position * frequency[i].
/// @param positions    one a row.
/// @param frequencies  [D/2] float32, radians per position: theta^(-2i/D), scaled as the model
/// says.
/// @param x            [R, heads, D] float32, changed in place.
void rotary(Stream& s, std::span<const int32_t> positions, ConstTensor frequencies, Tensor x);

}  // namespace maie::ops
