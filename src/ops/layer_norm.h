#pragma once

#include "tensor/tensor.h"

namespace maie::ops {

/// Scale and shift of a layer normalisation, [C] float32 each; views of weights owned by the model.
struct NormWeights {
  ConstTensor gamma;
  ConstTensor beta;
};

/// y = (x - mean(x)) / sqrt(var(x) + eps) * gamma + beta over the last dimension, with the
/// population variance (arXiv:1607.06450). @param x, y [..., C] float32; y may be x.
void layer_norm(Stream& s, ConstTensor x, const NormWeights& w, Tensor y, float eps = 1e-5f);

/// y[b, t] += x[t]: adds one table of rows to each sequence of a batch.
/// @param x [T, C] float32. @param y [B, T, C] float32.
void add_rows(Stream& s, ConstTensor x, Tensor y);

}  // namespace maie::ops
