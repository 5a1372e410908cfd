#pragma once

#include <memory>
#include <span>
#include <vector>

#include "tensor/linear_source.h"

namespace maie::cpu {
class PackedLinear;
class PackedW4;
}  // namespace maie::cpu

namespace maie::ops {

using maie::FloatSource;
using maie::LinearSource;
using maie::QuantisedRows;
using maie::QuantisedSource;

/// The weights of y = x Wᵀ + b in the layout the device multiplies fastest. Immutable; any thread.
class LinearWeights {
 public:
  LinearWeights();
  LinearWeights(LinearWeights&&) noexcept;
  LinearWeights& operator=(LinearWeights&&) noexcept;
  ~LinearWeights();

  /// Converts and packs sources of one width K, one below the other: their outputs follow each
  /// other in y. Nothing but the result is as large as a source. `type` is one of
  ///   float32, bfloat16  whatever the file has, as floats;
  ///   int8   one scale for each output; 8-bit sources keep values and scales to the bit, those
  ///          of 5 and 6 bits what int4 keeps of them, all else is rounded to 127 steps of its row;
  ///   int4   sources of 4 to 6 bits keep their codes, scales and offsets are rounded to 11
  ///          significant bits (exact for what files store as float16); 8-bit sources stay int8;
  ///          floats become codes of 4 bits in groups of 32 around 8, with the scale of least
  ///          squared error among a few.
  ///          Offsets of their own would make that error 1 to 2 % less and the layer 11 % larger.
  /// The work is spread over the stream's team.
  static LinearWeights pack(Stream& s, ComputeType type, std::span<const LinearSource> sources);
  static LinearWeights pack(Stream& s, ComputeType type, const LinearSource& source) {
    return pack(s, type, std::span(&source, 1));
  }

  int64_t in() const { return in_; }    ///< K
  int64_t out() const { return out_; }  ///< N
  size_t size_bytes() const;

  /// Consecutive outputs in one layout; a layer stacked from sources of several kinds has several.
  struct Part {
    int64_t first = 0;
    std::unique_ptr<cpu::PackedLinear> dense;  ///< float32, bfloat16 or int8; or else
    std::unique_ptr<cpu::PackedW4> w4;         ///< codes of 4 to 6 bits
  };
  const std::vector<Part>& parts() const { return parts_; }

 private:
  int64_t in_ = 0;
  int64_t out_ = 0;
  std::vector<Part> parts_;
};

/// y = x Wᵀ + b.
/// @param x [..., K] float32, leading dimensions are rows; @param y [..., N] float32, not x.
/// int8 weights quantise each row of x on the fly (scale 127 / max|x|, round to nearest even),
/// weights of 4 to 6 bits each 128 values of a row. Rows are computed independently: a row's result
/// does not depend on the others in the call.
void linear(Stream& s, ConstTensor x, const LinearWeights& w, Tensor y);
/// y = GELU(x Wᵀ + b), GELU in its erf form.
void linear_gelu(Stream& s, ConstTensor x, const LinearWeights& w, Tensor y);
/// y = max(0, x Wᵀ + b).
void linear_relu(Stream& s, ConstTensor x, const LinearWeights& w, Tensor y);
/// y += x Wᵀ + b.
void linear_add(Stream& s, ConstTensor x, const LinearWeights& w, Tensor y);

}  // namespace maie::ops
