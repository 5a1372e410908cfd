// Frames side by side: every SIMD lane holds another frame, so that each step of the transform is
// one instruction for all of them and nothing is ever shuffled.
//
// A frame of 400 real samples is read as 200 complex ones z[n] = x[2n] + i x[2n+1]. Their transform
// Z (200 = 5 x 5 x 8, Stockham order, so no bit reversal) is untangled into the spectrum of x:
//   E[k] = (Z[k] + conj Z[200-k]) / 2,  O[k] = (Z[k] - conj Z[200-k]) / 2i,
//   X[k] = E[k] + w^k O[k],  X[200-k] = conj(E[k] - w^k O[k]),  w = exp(-2 pi i / 400).
// The 1/2 is folded into the window. Mel triangles are sparse: about 400 products for all of them.
// Everything a block of frames needs lies in level-1 and level-2 cache (about 100 KB on the stack).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "audio/log_mel_simd.cpp"
// clang-format off
#include <hwy/foreach_target.h>
// clang-format on
#include <hwy/highway.h>
// (contrib/math belongs after highway.h, once per target.)
#include <hwy/contrib/math/math-inl.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "audio/log_mel_plan.h"

HWY_BEFORE_NAMESPACE();
namespace maie::audio {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kMaxLanes = 16;
using D = HWY_CAPPED(float, 16);
using V = hn::Vec<D>;

struct Complex {
  V re, im;
};

HWY_INLINE Complex operator_add(Complex a, Complex b) {
  return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)};
}
HWY_INLINE Complex operator_sub(Complex a, Complex b) {
  return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}
/// a * -i
HWY_INLINE Complex times_minus_i(Complex a) { return {a.im, hn::Neg(a.re)}; }
/// a * (c + i s), the factor the same for all lanes
HWY_INLINE Complex rotate(Complex a, const float* factor) {
  const D d;
  const V c = hn::Set(d, factor[0]);
  const V s = hn::Set(d, factor[1]);
  return {hn::Sub(hn::Mul(a.re, c), hn::Mul(a.im, s)), hn::MulAdd(a.re, s, hn::Mul(a.im, c))};
}

HWY_INLINE Complex load(const float* buffer, size_t index) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  return {hn::Load(d, buffer + 2 * index * lanes), hn::Load(d, buffer + (2 * index + 1) * lanes)};
}
HWY_INLINE void store(Complex value, float* buffer, size_t index) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  hn::Store(value.re, d, buffer + 2 * index * lanes);
  hn::Store(value.im, d, buffer + (2 * index + 1) * lanes);
}

/// Transform of five values, in place.
HWY_INLINE void butterfly5(Complex& a0, Complex& a1, Complex& a2, Complex& a3, Complex& a4) {
  const D d;
  const V c1 = hn::Set(d, 0.30901699437494742f);   // cos(2 pi / 5)
  const V c2 = hn::Set(d, -0.80901699437494742f);  // cos(4 pi / 5)
  const V s1 = hn::Set(d, 0.95105651629515357f);   // sin(2 pi / 5)
  const V s2 = hn::Set(d, 0.58778525229247313f);   // sin(4 pi / 5)
  const Complex sum14 = operator_add(a1, a4), dif14 = operator_sub(a1, a4);
  const Complex sum23 = operator_add(a2, a3), dif23 = operator_sub(a2, a3);
  const Complex even1 = {hn::MulAdd(c2, sum23.re, hn::MulAdd(c1, sum14.re, a0.re)),
                         hn::MulAdd(c2, sum23.im, hn::MulAdd(c1, sum14.im, a0.im))};
  const Complex even2 = {hn::MulAdd(c1, sum23.re, hn::MulAdd(c2, sum14.re, a0.re)),
                         hn::MulAdd(c1, sum23.im, hn::MulAdd(c2, sum14.im, a0.im))};
  const Complex odd1 = times_minus_i({hn::MulAdd(s2, dif23.re, hn::Mul(s1, dif14.re)),
                                      hn::MulAdd(s2, dif23.im, hn::Mul(s1, dif14.im))});
  const Complex odd2 = times_minus_i({hn::Sub(hn::Mul(s2, dif14.re), hn::Mul(s1, dif23.re)),
                                      hn::Sub(hn::Mul(s2, dif14.im), hn::Mul(s1, dif23.im))});
  a0 = operator_add(a0, operator_add(sum14, sum23));
  a1 = operator_add(even1, odd1);
  a4 = operator_sub(even1, odd1);
  a2 = operator_add(even2, odd2);
  a3 = operator_sub(even2, odd2);
}

/// Transform of four values, in place.
HWY_INLINE void butterfly4(Complex& a0, Complex& a1, Complex& a2, Complex& a3) {
  const Complex s02 = operator_add(a0, a2), d02 = operator_sub(a0, a2);
  const Complex s13 = operator_add(a1, a3), d13 = times_minus_i(operator_sub(a1, a3));
  a0 = operator_add(s02, s13);
  a1 = operator_add(d02, d13);
  a2 = operator_sub(s02, s13);
  a3 = operator_sub(d02, d13);
}

/// Pass 1 (radix 5, stride 1): reads and windows the frames, one lane each.
HWY_INLINE void first_pass(const MelPlan& plan, const float* samples, const int32_t* frame_starts,
                           float* out) {
  const D d;
  const hn::RebindToSigned<D> di;
  const auto starts = hn::LoadU(di, frame_starts);
  const auto read = [&](size_t n) HWY_ATTR {
    return Complex{
        hn::Mul(hn::GatherIndex(d, samples + 2 * n, starts), hn::Set(d, plan.window[2 * n])),
        hn::Mul(hn::GatherIndex(d, samples + 2 * n + 1, starts),
                hn::Set(d, plan.window[2 * n + 1]))};
  };
  for (size_t p = 0; p < 40; ++p) {
    Complex a0 = read(p), a1 = read(p + 40), a2 = read(p + 80), a3 = read(p + 120),
            a4 = read(p + 160);
    butterfly5(a0, a1, a2, a3, a4);
    const float* w = plan.twiddle_first.data() + 8 * p;
    store(a0, out, 5 * p);
    store(rotate(a1, w), out, 5 * p + 1);
    store(rotate(a2, w + 2), out, 5 * p + 2);
    store(rotate(a3, w + 4), out, 5 * p + 3);
    store(rotate(a4, w + 6), out, 5 * p + 4);
  }
}

/// Pass 2 (radix 5, stride 5).
HWY_INLINE void second_pass(const MelPlan& plan, const float* in, float* out) {
  for (size_t p = 0; p < 8; ++p) {
    const float* w = plan.twiddle_second.data() + 8 * p;
    for (size_t q = 0; q < 5; ++q) {
      const size_t from = q + 5 * p, to = q + 25 * p;
      Complex a0 = load(in, from), a1 = load(in, from + 40), a2 = load(in, from + 80),
              a3 = load(in, from + 120), a4 = load(in, from + 160);
      butterfly5(a0, a1, a2, a3, a4);
      store(a0, out, to);
      store(rotate(a1, w), out, to + 5);
      store(rotate(a2, w + 2), out, to + 10);
      store(rotate(a3, w + 4), out, to + 15);
      store(rotate(a4, w + 6), out, to + 20);
    }
  }
}

/// Pass 3 (radix 8, stride 25): the last, so without twiddles.
HWY_INLINE void third_pass(const float* in, float* out) {
  constexpr float kRoot = 0.70710678118654752f;
  constexpr float kTurn1[2] = {kRoot, -kRoot};   // exp(-i pi / 4)
  constexpr float kTurn3[2] = {-kRoot, -kRoot};  // exp(-3 i pi / 4)
  for (size_t q = 0; q < 25; ++q) {
    Complex e0 = load(in, q), o0 = load(in, q + 25), e1 = load(in, q + 50), o1 = load(in, q + 75);
    Complex e2 = load(in, q + 100), o2 = load(in, q + 125), e3 = load(in, q + 150),
            o3 = load(in, q + 175);
    butterfly4(e0, e1, e2, e3);
    butterfly4(o0, o1, o2, o3);
    o1 = rotate(o1, kTurn1);
    o2 = times_minus_i(o2);
    o3 = rotate(o3, kTurn3);
    store(operator_add(e0, o0), out, q);
    store(operator_add(e1, o1), out, q + 25);
    store(operator_add(e2, o2), out, q + 50);
    store(operator_add(e3, o3), out, q + 75);
    store(operator_sub(e0, o0), out, q + 100);
    store(operator_sub(e1, o1), out, q + 125);
    store(operator_sub(e2, o2), out, q + 150);
    store(operator_sub(e3, o3), out, q + 175);
  }
}

/// Z -> |X|^2 of the 201 bins.
HWY_INLINE void power(const MelPlan& plan, const float* z, float* out) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  for (size_t k = 0; k <= 100; ++k) {
    const Complex a = load(z, k);
    const Complex b = load(z, k == 0 ? 0 : size_t{MelPlan::kHalf} - k);
    const Complex even = {hn::Add(a.re, b.re), hn::Sub(a.im, b.im)};
    const Complex odd = {hn::Add(a.im, b.im), hn::Sub(b.re, a.re)};
    const Complex turned = rotate(odd, plan.untangle.data() + 2 * k);
    const Complex low = operator_add(even, turned), high = operator_sub(even, turned);
    hn::Store(hn::MulAdd(low.re, low.re, hn::Mul(low.im, low.im)), d, out + k * lanes);
    hn::Store(hn::MulAdd(high.re, high.re, hn::Mul(high.im, high.im)), d,
              out + (size_t{MelPlan::kHalf} - k) * lanes);
  }
}

float Frames(const MelPlan& plan, const float* samples, int frames, float* out) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  HWY_ALIGN float a[2 * MelPlan::kHalf * kMaxLanes];
  HWY_ALIGN float b[2 * MelPlan::kHalf * kMaxLanes];
  HWY_ALIGN float bins[MelPlan::kBins * kMaxLanes];
  HWY_ALIGN float column[kMaxLanes];
  const size_t n_mels = size_t(plan.n_mels);
  V largest = hn::Set(d, -10.0f);

  for (int done = 0; done < frames; done += int(lanes)) {
    const int count = std::min(int(lanes), frames - done);
    // Lanes past the last frame repeat it: nothing is read beyond the caller's samples.
    int32_t starts[kMaxLanes];
    for (int lane = 0; lane < int(lanes); ++lane) {
      starts[lane] = std::min(lane, count - 1) * MelPlan::kHop;
    }
    first_pass(plan, samples + int64_t{done} * MelPlan::kHop, starts, a);
    second_pass(plan, a, b);
    third_pass(b, a);
    power(plan, a, bins);
    for (size_t m = 0; m < n_mels; ++m) {
      const MelPlan::Filter& filter = plan.filters[m];
      const float* weights = plan.weights.data() + filter.offset;
      V sum = hn::Zero(d);
      for (int i = 0; i < filter.count; ++i) {
        sum = hn::MulAdd(hn::Set(d, weights[i]),
                         hn::Load(d, bins + size_t(filter.first_bin + i) * lanes), sum);
      }
      const V log10 =
          hn::Mul(hn::Log(d, hn::Max(sum, hn::Set(d, 1e-10f))), hn::Set(d, 0.43429448190325183f));
      largest = hn::Max(largest, log10);
      hn::Store(log10, d, column);
      float* to = out + size_t(done) * n_mels + m;
      for (int lane = 0; lane < count; ++lane) to[size_t(lane) * n_mels] = column[lane];
    }
  }
  hn::Store(largest, d, column);
  return *std::max_element(column, column + lanes);
}

}  // namespace HWY_NAMESPACE
}  // namespace maie::audio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maie::audio {
HWY_EXPORT(Frames);

float log_mel_frames(const MelPlan& plan, const float* samples, int frames, float* out) {
  return HWY_DYNAMIC_DISPATCH(Frames)(plan, samples, frames, out);
}
}  // namespace maie::audio
#endif
