// The vectors of the kernels and elementary functions on them, for inclusion by kernel files (once
// per target).

#if defined(MAIE_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MAIE_VECTOR_MATH_INL_H_
#undef MAIE_VECTOR_MATH_INL_H_
#else
#define MAIE_VECTOR_MATH_INL_H_
#endif

#include <hwy/highway.h>

#include "tensor/dtype.h"

HWY_BEFORE_NAMESPACE();
namespace maie::cpu::HWY_NAMESPACE {

// As wide as the machine has, but at most 16 floats: buffers for the rest of a row count on it.
#if HWY_TARGET == HWY_SCALAR
using F = hwy::HWY_NAMESPACE::CappedTag<float, 1>;  // Highway 0.16 caps to no less than it is told
#else
using F = hwy::HWY_NAMESPACE::CappedTag<float, 16>;
#endif
using V = hwy::HWY_NAMESPACE::Vec<F>;

// One vector of a stored type as float.
HWY_ATTR HWY_INLINE V load_as_float(F d, const float* p) { return hwy::HWY_NAMESPACE::LoadU(d, p); }
HWY_ATTR HWY_INLINE V load_as_float(F d, const BFloat16* p) {
  const hwy::HWY_NAMESPACE::Rebind<uint16_t, F> d16;
  const hwy::HWY_NAMESPACE::Rebind<uint32_t, F> d32;
  const auto bits = hwy::HWY_NAMESPACE::LoadU(d16, reinterpret_cast<const uint16_t*>(p));
  return hwy::HWY_NAMESPACE::BitCast(
      d, hwy::HWY_NAMESPACE::ShiftLeft<16>(hwy::HWY_NAMESPACE::PromoteTo(d32, bits)));
}
HWY_ATTR HWY_INLINE V load_as_float(F d, const int8_t* p) {
  const hwy::HWY_NAMESPACE::Rebind<int8_t, F> d8;
  const hwy::HWY_NAMESPACE::Rebind<int32_t, F> d32;
  return hwy::HWY_NAMESPACE::ConvertTo(
      d, hwy::HWY_NAMESPACE::PromoteTo(d32, hwy::HWY_NAMESPACE::LoadU(d8, p)));
}

// exp(x) for x <= 0 (-inf included): 2^n * e^r with |r| <= ln2/2 and a degree-6 Taylor sum whose
// rest is below 1.2e-7 relative. Results below 2^-126 become 0.
template <class D, class Vec>
HWY_ATTR HWY_INLINE Vec exp_nonpositive(D d, Vec x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToSigned<D> di;
  x = hn::Max(x, hn::Set(d, -104.0f));
  const Vec n = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504088896341f)));
  // ln2 in two parts, so that n * first part is exact.
  Vec r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  Vec p = hn::Set(d, 1.0f / 720);
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 120));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 24));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 6));
  p = hn::MulAdd(p, r, hn::Set(d, 0.5f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  const auto exponent = hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127));
  const auto power = hn::BitCast(d, hn::ShiftLeft<23>(hn::Max(exponent, hn::Zero(di))));
  return hn::Mul(p, power);
}

// 0.5 x (1 + erf(x / sqrt 2)), with erf by Abramowitz and Stegun 7.1.26 (absolute error
// below 1.5e-7).
template <class D, class Vec>
HWY_ATTR HWY_INLINE Vec gelu(D d, Vec x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const Vec z = hn::Mul(hn::Abs(x), hn::Set(d, 0.70710678118654752f));
  const Vec one = hn::Set(d, 1.0f);
  const Vec t = hn::Div(one, hn::MulAdd(z, hn::Set(d, 0.3275911f), one));
  Vec p = hn::Set(d, 1.061405429f);
  p = hn::MulAdd(p, t, hn::Set(d, -1.453152027f));
  p = hn::MulAdd(p, t, hn::Set(d, 1.421413741f));
  p = hn::MulAdd(p, t, hn::Set(d, -0.284496736f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.254829592f));
  p = hn::Mul(p, t);
  // tail = 0.5 erfc(|x| / sqrt 2); Phi(x) is the tail for negative x, and 1 - tail for positive.
  const Vec tail =
      hn::Mul(hn::Mul(p, hn::Set(d, 0.5f)), exp_nonpositive(d, hn::Neg(hn::Mul(z, z))));
  const Vec phi = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail));
  return hn::Mul(x, phi);
}

}  // namespace maie::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
