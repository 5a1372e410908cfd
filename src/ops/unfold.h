#pragma once

#include "tensor/tensor.h"

namespace maie::ops {

struct UnfoldOptions {
  int kernel = 3;
  int stride = 1;
  int pad_left = 1;   ///< zero columns in front of each sequence
  int pad_right = 1;  ///< and behind it
};

/// The windows of a one-dimensional convolution laid out as rows, so that the convolution becomes
/// one `linear` with the weight [N, C, kernel] read as [N, C*kernel].
/// @param x [B, T, C] float32. @param y [B, T', C*kernel] with y[b, t, c*kernel + k] =
///   x[b, t*stride - pad_left + k, c], zero outside; T' = (T + pads - kernel) / stride + 1.
void unfold(Stream& s, ConstTensor x, const UnfoldOptions& options, Tensor y);

}  // namespace maie::ops
