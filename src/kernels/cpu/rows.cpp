#include "kernels/cpu/rows.h"

#include <cmath>

#include "tensor/dtype.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maie::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Each loop below runs over whole vectors, then over the rest: with the same vector code on a
// padded copy where an elementary function is involved, so that no kernel reads or writes past its
// row and a value does not depend on where in the row it stands.

HWY_ATTR V load_some(F d, const float* x, int64_t count, float fill) {
  alignas(64) float padded[16];
  for (int64_t i = 0; i < int64_t(hn::Lanes(d)); ++i) padded[i] = i < count ? x[i] : fill;
  return hn::Load(d, padded);
}
HWY_ATTR void store_some(F d, V v, float* y, int64_t count) {
  alignas(64) float padded[16];
  hn::Store(v, d, padded);
  for (int64_t i = 0; i < count; ++i) y[i] = padded[i];
}
HWY_ATTR float sum_lanes(F d, V v) { return hn::GetLane(hn::SumOfLanes(d, v)); }
HWY_ATTR float max_lanes(F d, V v) { return hn::GetLane(hn::MaxOfLanes(d, v)); }

HWY_ATTR float max_abs(const float* x, int64_t size) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  V most = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) most = hn::Max(most, hn::Abs(hn::LoadU(d, x + i)));
  if (i < size) most = hn::Max(most, hn::Abs(load_some(d, x + i, size - i, 0.0f)));
  return max_lanes(d, most);
}

HWY_ATTR float quantize_row_kernel(const float* x, int64_t size, uint8_t* q) {
  const F d;
  const hn::Rebind<uint8_t, F> d8;
  const int64_t lanes = int64_t(hn::Lanes(d));
  const float most = max_abs(x, size);
  // Without a finite scale (zeros, numbers next to nothing, infinities) the row counts as zeros.
  const float wanted = most > 0 && std::isfinite(most) ? 127.0f / most : 0.0f;
  const float scale = std::isfinite(wanted) ? wanted : 0.0f;
  const V factor = hn::Set(d, scale);
  const hn::RebindToSigned<F> di;
  const auto bias = hn::Set(di, 128);
  const auto rounded = [&](V v) HWY_ATTR {
    return hn::DemoteTo(d8, hn::Add(hn::NearestInt(hn::Mul(v, factor)), bias));
  };
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) hn::StoreU(rounded(hn::LoadU(d, x + i)), d8, q + i);
  if (i < size) {
    alignas(64) uint8_t padded[16];
    hn::StoreU(rounded(load_some(d, x + i, size - i, 0.0f)), d8, padded);
    for (int64_t j = 0; i + j < size; ++j) q[i + j] = padded[j];
  }
  return scale > 0 ? most / 127.0f : 0.0f;
}

HWY_ATTR void store_bf16(V v, uint16_t* out) {
  const hn::RebindToUnsigned<F> du;
  const hn::Rebind<uint16_t, F> d16;
  const auto bits = hn::BitCast(du, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fff))));
  const hn::RebindToSigned<F> di;  // values are below 65536: DemoteTo saturates nothing
  hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di, rounded)), d16, out);
}

HWY_ATTR void round_to_bf16_kernel(const float* x, int64_t size, float factor, uint16_t* out) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  const V f = hn::Set(d, factor);
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) store_bf16(hn::Mul(hn::LoadU(d, x + i), f), out + i);
  if (i < size) {
    alignas(64) uint16_t padded[16];
    store_bf16(hn::Mul(load_some(d, x + i, size - i, 0.0f), f), padded);
    for (int64_t j = 0; i + j < size; ++j) out[i + j] = padded[j];
  }
}

HWY_ATTR void widen_f16_kernel(const uint16_t* x, int64_t size, float* y) {
  const F d;
  const hn::Rebind<hwy::float16_t, F> d16;
  const int64_t lanes = int64_t(hn::Lanes(d));
  const auto* halves = reinterpret_cast<const hwy::float16_t*>(x);
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes)
    hn::StoreU(hn::PromoteTo(d, hn::LoadU(d16, halves + i)), d, y + i);
  for (; i < size; ++i) {
    Half half;
    half.bits = x[i];
    y[i] = float(half);
  }
}

HWY_ATTR void widen_bf16_kernel(const uint16_t* x, int64_t size, float* y) {
  const F d;
  const hn::Rebind<uint16_t, F> d16;
  const hn::RebindToUnsigned<F> du;
  const int64_t lanes = int64_t(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    hn::StoreU(hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(d16, x + i)))), d,
               y + i);
  }
  for (; i < size; ++i) {
    BFloat16 value;
    value.bits = x[i];
    y[i] = float(value);
  }
}

template <Epilogue E>
HWY_ATTR V finish(F d, V v, V before) {
  if constexpr (E == Epilogue::kGelu) return gelu(d, v);
  if constexpr (E == Epilogue::kRelu) return hn::Max(v, hn::Zero(d));
  if constexpr (E == Epilogue::kAdd) return hn::Add(v, before);
  (void)before;
  return v;
}

template <Epilogue E>
HWY_ATTR void finish_f32_with(const float* acc, const float* bias, int64_t size, float* y) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    V v = hn::LoadU(d, acc + i);
    if (bias != nullptr) v = hn::Add(v, hn::LoadU(d, bias + i));
    const V before = E == Epilogue::kAdd ? hn::LoadU(d, y + i) : v;
    hn::StoreU(finish<E>(d, v, before), d, y + i);
  }
  if (i < size) {
    const int64_t left = size - i;
    V v = load_some(d, acc + i, left, 0.0f);
    if (bias != nullptr) v = hn::Add(v, load_some(d, bias + i, left, 0.0f));
    const V before = E == Epilogue::kAdd ? load_some(d, y + i, left, 0.0f) : v;
    store_some(d, finish<E>(d, v, before), y + i, left);
  }
}

template <Epilogue E>
HWY_ATTR void finish_i8_with(const int32_t* acc, const int32_t* offset, float row_scale,
                             const float* column_scale, const float* bias, int64_t size, float* y) {
  const F d;
  const hn::RebindToSigned<F> di;
  const int64_t lanes = int64_t(hn::Lanes(d));
  const V row = hn::Set(d, row_scale);
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto whole = hn::Sub(hn::LoadU(di, acc + i), hn::LoadU(di, offset + i));
    const V scale = hn::Mul(row, hn::LoadU(d, column_scale + i));
    V v = hn::Mul(hn::ConvertTo(d, whole), scale);
    if (bias != nullptr) v = hn::Add(v, hn::LoadU(d, bias + i));
    const V before = E == Epilogue::kAdd ? hn::LoadU(d, y + i) : v;
    hn::StoreU(finish<E>(d, v, before), d, y + i);
  }
  if (i < size) {
    const int64_t left = size - i;
    alignas(64) int32_t whole[16] = {};
    for (int64_t j = 0; j < left; ++j) whole[j] = acc[i + j] - offset[i + j];
    const V scale = hn::Mul(row, load_some(d, column_scale + i, left, 0.0f));
    V v = hn::Mul(hn::ConvertTo(d, hn::Load(di, whole)), scale);
    if (bias != nullptr) v = hn::Add(v, load_some(d, bias + i, left, 0.0f));
    const V before = E == Epilogue::kAdd ? load_some(d, y + i, left, 0.0f) : v;
    store_some(d, finish<E>(d, v, before), y + i, left);
  }
}

HWY_ATTR void finish_f32_kernel(const float* acc, const float* bias, int64_t size,
                                Epilogue epilogue, float* y) {
  switch (epilogue) {
    case Epilogue::kWrite: finish_f32_with<Epilogue::kWrite>(acc, bias, size, y); break;
    case Epilogue::kGelu: finish_f32_with<Epilogue::kGelu>(acc, bias, size, y); break;
    case Epilogue::kRelu: finish_f32_with<Epilogue::kRelu>(acc, bias, size, y); break;
    case Epilogue::kAdd: finish_f32_with<Epilogue::kAdd>(acc, bias, size, y); break;
  }
}

HWY_ATTR void finish_i8_kernel(const int32_t* acc, const int32_t* offset, float row_scale,
                               const float* column_scale, const float* bias, int64_t size,
                               Epilogue epilogue, float* y) {
  switch (epilogue) {
    case Epilogue::kWrite:
      finish_i8_with<Epilogue::kWrite>(acc, offset, row_scale, column_scale, bias, size, y);
      break;
    case Epilogue::kGelu:
      finish_i8_with<Epilogue::kGelu>(acc, offset, row_scale, column_scale, bias, size, y);
      break;
    case Epilogue::kRelu:
      finish_i8_with<Epilogue::kRelu>(acc, offset, row_scale, column_scale, bias, size, y);
      break;
    case Epilogue::kAdd:
      finish_i8_with<Epilogue::kAdd>(acc, offset, row_scale, column_scale, bias, size, y);
      break;
  }
}

HWY_ATTR void layer_norm_row_kernel(const float* x, const float* gamma, const float* beta,
                                    int64_t size, float eps, float* y) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  V sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) sum = hn::Add(sum, hn::LoadU(d, x + i));
  float total = sum_lanes(d, sum);
  for (int64_t j = i; j < size; ++j) total += x[j];
  const float mean = total / float(size);

  // Second pass around the mean: the one-pass formula loses digits where |mean| >> deviation.
  const V center = hn::Set(d, mean);
  V squares = hn::Zero(d);
  for (i = 0; i + lanes <= size; i += lanes) {
    const V c = hn::Sub(hn::LoadU(d, x + i), center);
    squares = hn::MulAdd(c, c, squares);
  }
  float variance = sum_lanes(d, squares);
  for (int64_t j = i; j < size; ++j) variance += (x[j] - mean) * (x[j] - mean);
  const float factor = 1.0f / std::sqrt(variance / float(size) + eps);

  const V f = hn::Set(d, factor);
  for (i = 0; i + lanes <= size; i += lanes) {
    const V normal = hn::Mul(hn::Sub(hn::LoadU(d, x + i), center), f);
    hn::StoreU(hn::MulAdd(normal, hn::LoadU(d, gamma + i), hn::LoadU(d, beta + i)), d, y + i);
  }
  for (; i < size; ++i) y[i] = (x[i] - mean) * factor * gamma[i] + beta[i];
}

HWY_ATTR void rms_norm_row_kernel(const float* x, const float* weight, int64_t size, float eps,
                                  float* y) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  V squares = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const V v = hn::LoadU(d, x + i);
    squares = hn::MulAdd(v, v, squares);
  }
  float total = sum_lanes(d, squares);
  for (; i < size; ++i) total += x[i] * x[i];
  const float factor = 1.0f / std::sqrt(total / float(size) + eps);
  const V f = hn::Set(d, factor);
  for (i = 0; i + lanes <= size; i += lanes) {
    hn::StoreU(hn::Mul(hn::Mul(hn::LoadU(d, x + i), f), hn::LoadU(d, weight + i)), d, y + i);
  }
  for (; i < size; ++i) y[i] = x[i] * factor * weight[i];
}

HWY_ATTR void rotate_row_kernel(const float* cos, const float* sin, int64_t half, float* x) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  float* const second = x + half;
  int64_t i = 0;
  for (; i + lanes <= half; i += lanes) {
    const V a = hn::LoadU(d, x + i), b = hn::LoadU(d, second + i);
    const V c = hn::LoadU(d, cos + i), s = hn::LoadU(d, sin + i);
    hn::StoreU(hn::NegMulAdd(b, s, hn::Mul(a, c)), d, x + i);
    hn::StoreU(hn::MulAdd(a, s, hn::Mul(b, c)), d, second + i);
  }
  for (; i < half; ++i) {
    const float a = x[i], b = second[i];
    x[i] = a * cos[i] - b * sin[i];
    second[i] = b * cos[i] + a * sin[i];
  }
}

// sigmoid by e = exp(-|g|), which cannot overflow: 1 / (1 + e) for g >= 0, e / (1 + e) below.
HWY_ATTR V swiglu(F d, V gate, V up) {
  const V one = hn::Set(d, 1.0f);
  const V e = exp_nonpositive(d, hn::Neg(hn::Abs(gate)));
  const V top = hn::IfThenElse(hn::Lt(gate, hn::Zero(d)), e, one);
  return hn::Mul(hn::Mul(gate, up), hn::Div(top, hn::Add(one, e)));
}

HWY_ATTR void swiglu_row_kernel(const float* gate, const float* up, int64_t size, float* y) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    hn::StoreU(swiglu(d, hn::LoadU(d, gate + i), hn::LoadU(d, up + i)), d, y + i);
  }
  if (i < size) {
    const V rest =
        swiglu(d, load_some(d, gate + i, size - i, 0.0f), load_some(d, up + i, size - i, 0.0f));
    store_some(d, rest, y + i, size - i);
  }
}

HWY_ATTR V row_max(F d, const float* x, int64_t size) {
  const int64_t lanes = int64_t(hn::Lanes(d));
  V most = hn::Set(d, -INFINITY);
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) most = hn::Max(most, hn::LoadU(d, x + i));
  if (i < size) most = hn::Max(most, load_some(d, x + i, size - i, -INFINITY));
  return hn::MaxOfLanes(d, most);
}

HWY_ATTR float softmax_row_kernel(const float* x, int64_t size, float* p) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  const V most = row_max(d, x, size);
  V sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const V e = exp_nonpositive(d, hn::Sub(hn::LoadU(d, x + i), most));
    hn::StoreU(e, d, p + i);
    sum = hn::Add(sum, e);
  }
  if (i < size) {
    const V e = exp_nonpositive(d, hn::Sub(load_some(d, x + i, size - i, -INFINITY), most));
    store_some(d, e, p + i, size - i);
    sum = hn::Add(sum, e);
  }
  return sum_lanes(d, sum);
}

HWY_ATTR float softmax_row_bf16_kernel(const float* x, int64_t size, uint16_t* p) {
  const F d;
  const hn::RebindToUnsigned<F> du;
  const hn::Rebind<uint16_t, F> d16;
  const hn::RebindToSigned<F> di;
  const int64_t lanes = int64_t(hn::Lanes(d));
  const V most = row_max(d, x, size);
  const auto half = hn::Set(du, 0x8000u);
  V sum = hn::Zero(d);
  // p is in [0, 1], so rounding half up on the bits cannot overflow and differs from half-to-even
  // only in exact ties.
  const auto rounded = [&](V e) HWY_ATTR {
    return hn::ShiftRight<16>(hn::Add(hn::BitCast(du, e), half));
  };
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto bits = rounded(exp_nonpositive(d, hn::Sub(hn::LoadU(d, x + i), most)));
    hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di, bits)), d16, p + i);
    sum = hn::Add(sum, hn::BitCast(d, hn::ShiftLeft<16>(bits)));
  }
  if (i < size) {
    const auto bits =
        rounded(exp_nonpositive(d, hn::Sub(load_some(d, x + i, size - i, -INFINITY), most)));
    alignas(64) uint16_t padded[16];
    hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di, bits)), d16, padded);
    for (int64_t j = 0; i + j < size; ++j) p[i + j] = padded[j];
    sum = hn::Add(sum, hn::BitCast(d, hn::ShiftLeft<16>(bits)));
  }
  return sum_lanes(d, sum);
}

HWY_ATTR void add_row_kernel(const float* x, int64_t size, float* y) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    hn::StoreU(hn::Add(hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, y + i);
  }
  for (; i < size; ++i) y[i] += x[i];
}

HWY_ATTR void scale_row_kernel(const float* x, float factor, int64_t size, float* y) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  const V f = hn::Set(d, factor);
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, x + i), f), d, y + i);
  for (; i < size; ++i) y[i] = x[i] * factor;
}

}  // namespace maie::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maie::cpu {

HWY_EXPORT(quantize_row_kernel);
HWY_EXPORT(round_to_bf16_kernel);
HWY_EXPORT(widen_f16_kernel);
HWY_EXPORT(widen_bf16_kernel);
HWY_EXPORT(finish_f32_kernel);
HWY_EXPORT(finish_i8_kernel);
HWY_EXPORT(layer_norm_row_kernel);
HWY_EXPORT(rms_norm_row_kernel);
HWY_EXPORT(rotate_row_kernel);
HWY_EXPORT(swiglu_row_kernel);
HWY_EXPORT(softmax_row_kernel);
HWY_EXPORT(softmax_row_bf16_kernel);
HWY_EXPORT(add_row_kernel);
HWY_EXPORT(scale_row_kernel);

float quantize_row(const float* x, int64_t size, uint8_t* q) {
  return HWY_DYNAMIC_DISPATCH(quantize_row_kernel)(x, size, q);
}
void round_to_bf16(const float* x, int64_t size, float factor, uint16_t* out) {
  HWY_DYNAMIC_DISPATCH(round_to_bf16_kernel)(x, size, factor, out);
}
float quantize_weights(const float* w, int64_t size, int8_t* q) {
  const float back = quantize_row(w, size, reinterpret_cast<uint8_t*>(q));
  // From value + 128 as unsigned to the value itself: the top bit turns over.
  for (int64_t i = 0; i < size; ++i) q[i] = int8_t(uint8_t(q[i]) ^ 0x80u);
  return back;
}
void widen_f16(const uint16_t* x, int64_t size, float* y) {
  HWY_DYNAMIC_DISPATCH(widen_f16_kernel)(x, size, y);
}
void widen_bf16(const uint16_t* x, int64_t size, float* y) {
  HWY_DYNAMIC_DISPATCH(widen_bf16_kernel)(x, size, y);
}
void finish_f32(const float* acc, const float* bias, int64_t size, Epilogue epilogue, float* y) {
  HWY_DYNAMIC_DISPATCH(finish_f32_kernel)(acc, bias, size, epilogue, y);
}
void finish_i8(const int32_t* acc, const int32_t* offset, float row_scale,
               const float* column_scale, const float* bias, int64_t size, Epilogue epilogue,
               float* y) {
  HWY_DYNAMIC_DISPATCH(finish_i8_kernel)
  (acc, offset, row_scale, column_scale, bias, size, epilogue, y);
}
void layer_norm_row(const float* x, const float* gamma, const float* beta, int64_t size, float eps,
                    float* y) {
  HWY_DYNAMIC_DISPATCH(layer_norm_row_kernel)(x, gamma, beta, size, eps, y);
}
void rms_norm_row(const float* x, const float* weight, int64_t size, float eps, float* y) {
  HWY_DYNAMIC_DISPATCH(rms_norm_row_kernel)(x, weight, size, eps, y);
}
void rotate_row(const float* cos, const float* sin, int64_t half, float* x) {
  HWY_DYNAMIC_DISPATCH(rotate_row_kernel)(cos, sin, half, x);
}
void swiglu_row(const float* gate, const float* up, int64_t size, float* y) {
  HWY_DYNAMIC_DISPATCH(swiglu_row_kernel)(gate, up, size, y);
}
float softmax_row(const float* x, int64_t size, float* p) {
  return HWY_DYNAMIC_DISPATCH(softmax_row_kernel)(x, size, p);
}
float softmax_row_bf16(const float* x, int64_t size, uint16_t* p) {
  return HWY_DYNAMIC_DISPATCH(softmax_row_bf16_kernel)(x, size, p);
}
void add_row(const float* x, int64_t size, float* y) {
  HWY_DYNAMIC_DISPATCH(add_row_kernel)(x, size, y);
}
void scale_row(const float* x, float factor, int64_t size, float* y) {
  HWY_DYNAMIC_DISPATCH(scale_row_kernel)(x, factor, size, y);
}

}  // namespace maie::cpu
#endif  // HWY_ONCE
