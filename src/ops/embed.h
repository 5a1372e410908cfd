#pragma once

#include <functional>
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

/// A table whose rows are made from what the file holds when they are asked for: quantised blocks,
/// unaligned floats. So no dense copy of it lies in memory.
struct EmbeddingRows {
  int64_t vocabulary = 0;  ///< V
  int64_t width = 0;       ///< C
  /// Writes row `id` to `row` [C]. Called on the thread that calls `embed`.
  std::function<void(int id, std::span<float> row)> read;
};
/// y[r] = table[ids[r]].
void embed(Stream& s, std::span<const int> ids, const EmbeddingRows& table, Tensor y);

}  // namespace maie::ops
