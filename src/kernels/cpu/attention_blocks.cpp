#include "kernels/cpu/attention_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention_blocks.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maie::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// scores[r][t] = q[r] . key[t] (times the key's scale) for blocks of 16 positions.
template <int Rows, class Elem>
HWY_ATTR void score_rows(const float* const* q, const Elem* keys, const float* key_scales,
                         int64_t blocks, int64_t D, float* const* scores) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  for (int64_t block = 0; block < blocks; ++block, keys += D * kKeyBlock) {
    for (int64_t part = 0; part < kKeyBlock; part += lanes) {
      V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
      const Elem* key = keys + part;
      for (int64_t i = 0; i < D; ++i, key += kKeyBlock) {
        const V k = load_as_float(d, key);
        s0 = hn::MulAdd(hn::Set(d, q[0][i]), k, s0);
        if constexpr (Rows > 1) s1 = hn::MulAdd(hn::Set(d, q[1][i]), k, s1);
        if constexpr (Rows > 2) s2 = hn::MulAdd(hn::Set(d, q[2][i]), k, s2);
        if constexpr (Rows > 3) s3 = hn::MulAdd(hn::Set(d, q[3][i]), k, s3);
      }
      const int64_t t = block * kKeyBlock + part;
      const V scale = key_scales != nullptr ? hn::LoadU(d, key_scales + t) : hn::Set(d, 1.0f);
      hn::StoreU(hn::Mul(s0, scale), d, scores[0] + t);
      if constexpr (Rows > 1) hn::StoreU(hn::Mul(s1, scale), d, scores[1] + t);
      if constexpr (Rows > 2) hn::StoreU(hn::Mul(s2, scale), d, scores[2] + t);
      if constexpr (Rows > 3) hn::StoreU(hn::Mul(s3, scale), d, scores[3] + t);
    }
  }
}

// y[r] = sum_t weights[r][t] * value[t], on top of what is in y[r] with `add`; for two vectors of
// components at a time.
template <int Rows, class Elem>
HWY_ATTR void mix_rows(const float* const* weights, const Elem* values, int64_t T, int64_t D,
                       bool add, float* const* y) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  int64_t i = 0;
  for (; i + 2 * lanes <= D; i += 2 * lanes) {
    V a0 = hn::Zero(d), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, e0 = a0, e1 = a0;
    if (add) {
      a0 = hn::LoadU(d, y[0] + i);
      a1 = hn::LoadU(d, y[0] + i + lanes);
      if constexpr (Rows > 1) b0 = hn::LoadU(d, y[1] + i), b1 = hn::LoadU(d, y[1] + i + lanes);
      if constexpr (Rows > 2) c0 = hn::LoadU(d, y[2] + i), c1 = hn::LoadU(d, y[2] + i + lanes);
      if constexpr (Rows > 3) e0 = hn::LoadU(d, y[3] + i), e1 = hn::LoadU(d, y[3] + i + lanes);
    }
    const Elem* value = values + i;
    for (int64_t t = 0; t < T; ++t, value += D) {
      const V v0 = load_as_float(d, value);
      const V v1 = load_as_float(d, value + lanes);
      const V w0 = hn::Set(d, weights[0][t]);
      a0 = hn::MulAdd(w0, v0, a0);
      a1 = hn::MulAdd(w0, v1, a1);
      if constexpr (Rows > 1) {
        const V w1 = hn::Set(d, weights[1][t]);
        b0 = hn::MulAdd(w1, v0, b0);
        b1 = hn::MulAdd(w1, v1, b1);
      }
      if constexpr (Rows > 2) {
        const V w2 = hn::Set(d, weights[2][t]);
        c0 = hn::MulAdd(w2, v0, c0);
        c1 = hn::MulAdd(w2, v1, c1);
      }
      if constexpr (Rows > 3) {
        const V w3 = hn::Set(d, weights[3][t]);
        e0 = hn::MulAdd(w3, v0, e0);
        e1 = hn::MulAdd(w3, v1, e1);
      }
    }
    hn::StoreU(a0, d, y[0] + i);
    hn::StoreU(a1, d, y[0] + i + lanes);
    if constexpr (Rows > 1) {
      hn::StoreU(b0, d, y[1] + i);
      hn::StoreU(b1, d, y[1] + i + lanes);
    }
    if constexpr (Rows > 2) {
      hn::StoreU(c0, d, y[2] + i);
      hn::StoreU(c1, d, y[2] + i + lanes);
    }
    if constexpr (Rows > 3) {
      hn::StoreU(e0, d, y[3] + i);
      hn::StoreU(e1, d, y[3] + i + lanes);
    }
  }
  for (; i < D; ++i) {
    for (int r = 0; r < Rows; ++r) {
      float sum = add ? y[r][i] : 0;
      for (int64_t t = 0; t < T; ++t) sum += weights[r][t] * float(values[t * D + i]);
      y[r][i] = sum;
    }
  }
}

template <class Elem>
HWY_ATTR void score_any(int rows, const float* const* q, const void* keys, const float* scales,
                        int64_t blocks, int64_t D, float* const* scores) {
  const auto* k = static_cast<const Elem*>(keys);
  switch (rows) {
    case 1: score_rows<1>(q, k, scales, blocks, D, scores); break;
    case 2: score_rows<2>(q, k, scales, blocks, D, scores); break;
    case 3: score_rows<3>(q, k, scales, blocks, D, scores); break;
    default: score_rows<4>(q, k, scales, blocks, D, scores); break;
  }
}

template <class Elem>
HWY_ATTR void mix_any(int rows, const float* const* weights, const void* values, int64_t T,
                      int64_t D, bool add, float* const* y) {
  const auto* v = static_cast<const Elem*>(values);
  switch (rows) {
    case 1: mix_rows<1>(weights, v, T, D, add, y); break;
    case 2: mix_rows<2>(weights, v, T, D, add, y); break;
    case 3: mix_rows<3>(weights, v, T, D, add, y); break;
    default: mix_rows<4>(weights, v, T, D, add, y); break;
  }
}

HWY_ATTR void score_kernel(DType type, int rows, const float* const* q, const void* keys,
                           const float* scales, int64_t blocks, int64_t D, float* const* scores) {
  switch (type) {
    case DType::kI8: score_any<int8_t>(rows, q, keys, scales, blocks, D, scores); break;
    case DType::kBF16: score_any<BFloat16>(rows, q, keys, scales, blocks, D, scores); break;
    default: score_any<float>(rows, q, keys, scales, blocks, D, scores); break;
  }
}

HWY_ATTR void mix_kernel(DType type, int rows, const float* const* weights, const void* values,
                         int64_t T, int64_t D, bool add, float* const* y) {
  switch (type) {
    case DType::kI8: mix_any<int8_t>(rows, weights, values, T, D, add, y); break;
    case DType::kBF16: mix_any<BFloat16>(rows, weights, values, T, D, add, y); break;
    default: mix_any<float>(rows, weights, values, T, D, add, y); break;
  }
}

}  // namespace maie::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maie::cpu {

HWY_EXPORT(score_kernel);
HWY_EXPORT(mix_kernel);

void score_blocks(DType type, int queries, const float* const* q, const void* keys,
                  const float* scales, int64_t blocks, int64_t D, float* const* scores) {
  HWY_DYNAMIC_DISPATCH(score_kernel)(type, queries, q, keys, scales, blocks, D, scores);
}
void mix_values(DType type, int queries, const float* const* weights, const void* values, int64_t T,
                int64_t D, bool add, float* const* y) {
  HWY_DYNAMIC_DISPATCH(mix_kernel)(type, queries, weights, values, T, D, add, y);
}

}  // namespace maie::cpu
#endif  // HWY_ONCE
