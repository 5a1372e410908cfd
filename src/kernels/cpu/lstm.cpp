// i, f, g, o = projected[t] + h W_hhᵀ;  c = σ(f) c + σ(i) tanh(g);  h = σ(o) tanh(c)
//
// Steps are sequential, so each is one matrix times one vector: W_hh (256 KB for 128 units) streams
// from the second-level cache once a step, which is what bounds it. The weights are interleaved so
// that the four gates of one block of units are summed in four registers (eight, with k unrolled by
// two, to cover the latency of the multiply-add) and never touch memory before the new state is
// made. Sums, exponentials and state are float. σ is one exponential and one division, accurate to
// 2 ulp; tanh(x) = 2 σ(2x) - 1 is off by at most 2e-7 in absolute terms, which is what the state
// needs.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/lstm.cpp"
#include <hwy/foreach_target.h>
// foreach_target has to come first.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "kernels/cpu/lstm.h"

HWY_BEFORE_NAMESPACE();
namespace maie::cpu {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes, whatever longer vectors the machine has.
using Floats = HWY_CAPPED(float, 16);

template <class V>
V sigmoid(const Floats d, V x) {
  // exp overflows above 88.7; beyond 87 the result is below 1e-37 anyway.
  const V e = hn::Exp(d, hn::Min(hn::Neg(x), hn::Set(d, 87.0f)));
  const V one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, e));
}

template <class V>
V tanh_of(const Floats d, V x) {
  const V twice = sigmoid(d, hn::Add(x, x));
  return hn::Sub(hn::Add(twice, twice), hn::Set(d, 1.0f));
}

}  // namespace

int64_t lstm_lanes() { return int64_t(hn::Lanes(Floats())); }

// One step. `gates` [4, padded], `h` [padded] is read, `c` [padded] updated, `next` [padded]
// written.
void lstm_step(const float* HWY_RESTRICT gates, const float* HWY_RESTRICT weights, int64_t units,
               int64_t padded, const float* HWY_RESTRICT h, float* HWY_RESTRICT c,
               float* HWY_RESTRICT next) {
  const Floats d;
  const int64_t N = int64_t(hn::Lanes(d));
  for (int64_t u = 0; u < padded; u += N) {
    auto i0 = hn::LoadU(d, gates + u);
    auto f0 = hn::LoadU(d, gates + padded + u);
    auto g0 = hn::LoadU(d, gates + 2 * padded + u);
    auto o0 = hn::LoadU(d, gates + 3 * padded + u);
    auto i1 = hn::Zero(d);
    auto f1 = i1, g1 = i1, o1 = i1;
    int64_t k = 0;
    for (; k + 2 <= units; k += 2, weights += 8 * N) {
      const auto h0 = hn::Set(d, h[k]);
      const auto h1 = hn::Set(d, h[k + 1]);
      i0 = hn::MulAdd(h0, hn::Load(d, weights), i0);
      f0 = hn::MulAdd(h0, hn::Load(d, weights + N), f0);
      g0 = hn::MulAdd(h0, hn::Load(d, weights + 2 * N), g0);
      o0 = hn::MulAdd(h0, hn::Load(d, weights + 3 * N), o0);
      i1 = hn::MulAdd(h1, hn::Load(d, weights + 4 * N), i1);
      f1 = hn::MulAdd(h1, hn::Load(d, weights + 5 * N), f1);
      g1 = hn::MulAdd(h1, hn::Load(d, weights + 6 * N), g1);
      o1 = hn::MulAdd(h1, hn::Load(d, weights + 7 * N), o1);
    }
    if (k < units) {
      const auto h0 = hn::Set(d, h[k]);
      i0 = hn::MulAdd(h0, hn::Load(d, weights), i0);
      f0 = hn::MulAdd(h0, hn::Load(d, weights + N), f0);
      g0 = hn::MulAdd(h0, hn::Load(d, weights + 2 * N), g0);
      o0 = hn::MulAdd(h0, hn::Load(d, weights + 3 * N), o0);
      weights += 4 * N;
    }
    const auto in = sigmoid(d, hn::Add(i0, i1));
    const auto forget = sigmoid(d, hn::Add(f0, f1));
    const auto value = tanh_of(d, hn::Add(g0, g1));
    const auto out = sigmoid(d, hn::Add(o0, o1));
    const auto cell = hn::MulAdd(forget, hn::Load(d, c + u), hn::Mul(in, value));
    hn::Store(cell, d, c + u);
    hn::Store(hn::Mul(out, tanh_of(d, cell)), d, next + u);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace maie::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maie::cpu {
namespace {
HWY_EXPORT(lstm_lanes);
HWY_EXPORT(lstm_step);
}  // namespace

PackedLstm pack_lstm(ConstTensor w_hh) {
  PackedLstm packed;
  packed.units = w_hh.dim(1);
  packed.lanes = HWY_DYNAMIC_DISPATCH(lstm_lanes)();
  const int64_t H = packed.units, N = packed.lanes;
  const int64_t blocks = (H + N - 1) / N;
  packed.values = OwnedTensor({}, DType::kF32, {blocks, H, 4, N});
  const float* source = w_hh.data<float>();
  float* target = packed.values.view().data<float>();
  for (int64_t block = 0; block < blocks; ++block) {
    for (int64_t k = 0; k < H; ++k) {
      for (int64_t gate = 0; gate < 4; ++gate) {
        for (int64_t lane = 0; lane < N; ++lane) {
          const int64_t unit = block * N + lane;
          *target++ = unit < H ? source[(gate * H + unit) * H + k] : 0.0f;
        }
      }
    }
  }
  return packed;
}

void lstm(ConstTensor projected, const PackedLstm& w, Tensor h, Tensor c, Tensor y) {
  check(w.lanes == HWY_DYNAMIC_DISPATCH(lstm_lanes)(), "LSTM weights packed for these vectors");
  const auto step = HWY_DYNAMIC_DISPATCH(lstm_step);
  const int64_t T = projected.dim(0), H = w.units;
  const int64_t padded = (H + w.lanes - 1) / w.lanes * w.lanes;
  const float* weights = w.values.view().data<float>();
  float* out = y.data<float>();

  // Whole vectors for the state, also where H is not a multiple of them. Two hidden states take
  // turns, since a step reads all of the old one while it writes the new one.
  OwnedTensor scratch({}, DType::kF32, {7, padded});
  float* cell = scratch.view().data<float>();
  float* hidden = cell + padded;
  float* next = hidden + padded;
  float* gates = next + padded;
  std::fill(cell, gates + 4 * padded, 0.0f);
  std::copy_n(c.data<float>(), H, cell);
  std::copy_n(h.data<float>(), H, hidden);
  for (int64_t t = 0; t < T; ++t) {
    const float* input = projected.data<float>() + t * 4 * H;
    if (padded != H) {
      for (int64_t gate = 0; gate < 4; ++gate) {
        std::copy_n(input + gate * H, H, gates + gate * padded);
      }
      input = gates;
    }
    step(input, weights, H, padded, hidden, cell, next);
    std::copy_n(next, H, out + t * H);
    std::swap(hidden, next);
  }
  std::copy_n(cell, H, c.data<float>());
  std::copy_n(hidden, H, h.data<float>());
}

}  // namespace maie::cpu
#endif  // HWY_ONCE
