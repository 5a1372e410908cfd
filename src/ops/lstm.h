#pragma once

#include <memory>

#include "tensor/tensor.h"

namespace maie::cpu {
struct PackedLstm;
}

namespace maie::ops {

/// The recurrent half of an LSTM layer, in the layout the device reads fastest. Immutable; any
/// thread.
class LstmWeights {
 public:
  LstmWeights();
  LstmWeights(LstmWeights&&) noexcept;
  LstmWeights& operator=(LstmWeights&&) noexcept;
  ~LstmWeights();

  /// @param w_hh [4H, H] float32, rows in the order of PyTorch: input, forget, cell, output gate.
  static LstmWeights pack(Stream& s, ConstTensor w_hh);

  int64_t units() const { return units_; }  ///< H
  size_t size_bytes() const;
  const cpu::PackedLstm& cpu() const { return *cpu_; }

 private:
  int64_t units_ = 0;
  std::unique_ptr<cpu::PackedLstm> cpu_;
};

/// One LSTM layer over a sequence whose input half is already projected (one `linear` for all of
/// it):
///   i, f, g, o = projected[t] + h W_hhᵀ;   c = σ(f) c + σ(i) tanh(g);   h = σ(o) tanh(c);   y[t] =
///   h
/// @param projected [T, 4H] float32, x W_ihᵀ + b_ih + b_hh.
/// @param h, c      [H] float32, the state: read before the first step, left as after the last.
/// @param y         [T, H] float32.
/// Steps depend on each other, so one thread of the team works. The same input split into several
/// calls gives the same bytes.
void lstm(Stream& s, ConstTensor projected, const LstmWeights& w, Tensor h, Tensor c, Tensor y);

}  // namespace maie::ops
