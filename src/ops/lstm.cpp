#include "ops/lstm.h"

#include "kernels/cpu/lstm.h"

namespace maie::ops {

LstmWeights::LstmWeights() = default;
LstmWeights::LstmWeights(LstmWeights&&) noexcept = default;
LstmWeights& LstmWeights::operator=(LstmWeights&&) noexcept = default;
LstmWeights::~LstmWeights() = default;

LstmWeights LstmWeights::pack(Stream& s, ConstTensor w_hh) {
  const auto [rows, H] = w_hh.dims<2>();
  check(rows == 4 * H && H > 0, "LSTM weights are [4H, H]");
  check(s.device().kind == Device::Kind::kCpu, "lstm exists on the CPU only");
  LstmWeights weights;
  weights.units_ = H;
  weights.cpu_ = std::make_unique<cpu::PackedLstm>(cpu::pack_lstm(w_hh));
  return weights;
}

size_t LstmWeights::size_bytes() const { return cpu_ ? cpu_->values.size_bytes() : 0; }

void lstm(Stream& s, ConstTensor projected, const LstmWeights& w, Tensor h, Tensor c, Tensor y) {
  const int64_t H = w.units();
  check(H > 0, "lstm weights are packed");
  const auto [T, gates] = projected.dims<2>();
  check(gates == 4 * H, "lstm input is [T, 4H]");
  check((h.shape() == Shape{H}) && (c.shape() == Shape{H}), "lstm state is [H]");
  check((y.shape() == Shape{T, H}), "lstm output is [T, H]");
  check(s.device().kind == Device::Kind::kCpu, "lstm exists on the CPU only");
  if (s.is_dry_run() || T == 0) return;
  cpu::lstm(projected, w.cpu(), h, c, y);
}

}  // namespace maie::ops
