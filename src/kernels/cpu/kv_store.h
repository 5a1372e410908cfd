#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace maie::cpu {

/// One key or value of D floats to the type of its cache, `stride` elements from one to the next.
/// Returns the scale back from int8 (largest magnitude / 127), 1 for the float types.
float store_vector(DType type, const float* from, int64_t D, std::byte* to, int64_t stride);

}  // namespace maie::cpu
