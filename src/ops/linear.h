#pragma once

#include <memory>

#include "tensor/tensor.h"

namespace maie::cpu {
class PackedLinear;
}

namespace maie::ops {

/// A linear layer as a model file stores it; views, read once by `LinearWeights::pack`.
struct LinearSource {
  ConstTensor values;  ///< [N, K] float32, float16, bfloat16 or int8
  ConstTensor scales;  ///< [N] float32 with int8 values only: weight = value / scale (CTranslate2)
  ConstTensor bias;    ///< [N] float32, float16 or bfloat16; absent means none
};

/// The weights of y = x Wᵀ + b in the layout the device multiplies fastest. Immutable; any thread.
class LinearWeights {
 public:
  LinearWeights();
  LinearWeights(LinearWeights&&) noexcept;
  LinearWeights& operator=(LinearWeights&&) noexcept;
  ~LinearWeights();

  /// Converts and packs. `type` is one of float32, bfloat16 and int8 (one scale per output row;
  /// int8 sources keep their values and scales to the bit). The work is spread over the stream's
  /// team.
  static LinearWeights pack(Stream& s, ComputeType type, const LinearSource& source);

  int64_t in() const { return in_; }    ///< K
  int64_t out() const { return out_; }  ///< N
  size_t size_bytes() const;
  const cpu::PackedLinear& cpu() const { return *cpu_; }

 private:
  int64_t in_ = 0;
  int64_t out_ = 0;
  std::unique_ptr<cpu::PackedLinear> cpu_;
};

/// y = x Wᵀ + b.
/// @param x [..., K] float32, leading dimensions are rows; @param y [..., N] float32, not x.
/// int8 weights quantise each row of x on the fly (scale 127 / max|x|, round to nearest even).
/// Rows are computed independently: a row's result does not depend on the others in the call.
void linear(Stream& s, ConstTensor x, const LinearWeights& w, Tensor y);
/// y = GELU(x Wᵀ + b), GELU in its erf form.
void linear_gelu(Stream& s, ConstTensor x, const LinearWeights& w, Tensor y);
/// y = max(0, x Wᵀ + b).
void linear_relu(Stream& s, ConstTensor x, const LinearWeights& w, Tensor y);
/// y += x Wᵀ + b.
void linear_add(Stream& s, ConstTensor x, const LinearWeights& w, Tensor y);

}  // namespace maie::ops
