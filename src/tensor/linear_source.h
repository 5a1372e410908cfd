#pragma once

#include <cstdint>
#include <functional>

#include "tensor/tensor.h"

namespace maie {

/// Room for some rows of a quantised matrix.
struct QuantisedRows {
  uint8_t* codes;  ///< 4 bits: [rows, columns / 2], the even column in the low half; 5 and 6 bits:
                   ///< [rows, columns]; 8 bits: int8 [rows, columns]
  float* scales;   ///< [rows, columns / group]
  float* offsets;  ///< the same; null where the source needs none
};

/// A matrix of codes as a model file has it, read row by row while it is packed, so that it never
/// lies unpacked in memory as a whole: weight = code * scale + offset.
struct QuantisedSource {
  /// 4, 5, 6: codes from 0 to 2^bits - 1; 8: codes -127 to 127, no offsets, one group a row.
  int bits = 4;
  int64_t rows = 0;     ///< N, outputs
  int64_t columns = 0;  ///< K, inputs
  /// Consecutive codes with one scale: 32, 64 or 128, and 16 too of 6 bits; of 8 bits: columns.
  int64_t group = 32;
  /// Of 4 to 6 bits: every offset is -middle() * scale (Q4_0, Q5_0, Q6_K), and none is read: of 4
  /// bits an eighth less memory traffic.
  bool symmetric = false;
  /// Writes rows [first, first + count). Several threads call it at once, each for other rows.
  std::function<void(int64_t first, int64_t count, const QuantisedRows& out)> read = {};

  explicit operator bool() const { return bool(read); }
  bool has_offsets() const { return bits != 8 && !symmetric; }
  int middle() const { return 1 << (bits - 1); }
  int64_t row_bytes() const { return bits == 4 ? columns / 2 : columns; }  ///< of codes
};

/// A matrix that is made into floats row by row while it is packed: of a form that is neither plain
/// numbers nor one of the codes above, or whose rows the file has in another order.
struct FloatSource {
  int64_t rows = 0;     ///< N, outputs
  int64_t columns = 0;  ///< K, inputs
  /// Writes a row, [columns]. Several threads call it at once.
  std::function<void(int64_t row, float* out)> read = {};

  explicit operator bool() const { return bool(read); }
};

/// A linear layer as a model file stores it: views, read once while it is packed. One of `values`,
/// `quantised` and `floats` is there.
struct LinearSource {
  ConstTensor values;  ///< [N, K] float32, float16, bfloat16 (however aligned) or int8
  ConstTensor scales;  ///< [N] float32 with int8 values only: weight = value / scale (CTranslate2)
  ConstTensor bias;    ///< [N] float32, float16 or bfloat16; absent means none
  QuantisedSource quantised = {};
  FloatSource floats = {};

  int64_t rows() const { return quantised ? quantised.rows : floats ? floats.rows : values.dim(0); }
  int64_t columns() const {
    return quantised ? quantised.columns : floats ? floats.columns : values.dim(1);
  }
};

}  // namespace maie
