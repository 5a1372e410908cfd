#pragma once

#include <cstddef>
#include <span>

#include "formats/blocks.h"
#include "tensor/tensor.h"

namespace maie::formats {

/// Whether a type is one of those that weights are kept in as plain numbers: float32, float16,
/// bfloat16.
bool is_dense_float(DType type);

/// The plain block type of such a type, and the other way round. @throws ContractError for others.
BlockType block_type_of(DType type);
DType dense_type_of(BlockType type);

/// The values of a view of float32, float16 or bfloat16, which may lie at any address (files align
/// nothing), in float32. @param out  room for each value.
void to_float32(ConstTensor from, std::span<float> out);

/// The same into a tensor of its own.
OwnedTensor float_copy(ConstTensor from);

}  // namespace maie::formats
