#pragma once

#include "tensor/tensor.h"

namespace maie::cpu {

/// W_hh of an LSTM, reordered for the vector length of this machine: for each block of `lanes`
/// units, for each input k, four vectors (gates i, f, g, o of the block). Missing units are zero.
struct PackedLstm {
  OwnedTensor values;  ///< [blocks, H, 4, lanes] float32
  int64_t units = 0;
  int64_t lanes = 0;
};

PackedLstm pack_lstm(ConstTensor w_hh);
void lstm(ConstTensor projected, const PackedLstm& w, Tensor h, Tensor c, Tensor y);

}  // namespace maie::cpu
