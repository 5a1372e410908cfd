#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace maie::reference {

/// Stores k and v of each row in the last cell of its history, then lets each row attend over its
/// history. @param qkv [R, 3C]. @param histories cells of each row. @param cache [cells, 2C]
/// float32.
/// @param y [R, C].
void cached_attention(ConstTensor qkv, int heads, std::span<const std::vector<int32_t>> histories,
                      Tensor cache, Tensor y);

}  // namespace maie::reference
