#pragma once

#include <span>

#include "tensor/tensor.h"

namespace maie::ops {

/// An embedding table as a model file stores it: rows are read from there, nothing is copied.
struct EmbeddingTable {
  ConstTensor values;  ///< [V, C] float32, float16, bfloat16 or int8
  ConstTensor scales;  ///< [V] float32 with int8 only: row = values / scale
};

/// y[r] = table[ids[r]] + positions[position[r]].
/// @param positions [P, C] float32. @param y [R, C] float32. Ids and positions lie within their
/// tables.
void embed(Stream& s, std::span<const int> ids, std::span<const int> position_of,
           const EmbeddingTable& table, ConstTensor positions, Tensor y);
/// y[r] = table[ids[r]], for models that know positions otherwise.
void embed(Stream& s, std::span<const int> ids, const EmbeddingTable& table, Tensor y);

}  // namespace maie::ops
