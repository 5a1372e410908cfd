// D = A B in Highway: for machines where oneDNN has no fast path (Arm, 8-bit without VNNI, bfloat16
// without its instruction).
//
// B is packed in panels of 32 columns, k by k, so that a panel streams through once per block of
// rows; a block of up to 4 rows keeps its accumulators in registers. 8-bit products run in float:
// every partial sum of 512 products is an integer below 2^24, hence exact, and is then added to the
// int32 result, so that all paths agree to the bit.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernels/cpu/gemm.h"
#include "tensor/dtype.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gemm_portable.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maie::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kPanel = 32;  // columns of a panel
constexpr int64_t kExactSums =
    512;  // 8-bit products whose sum a float holds: 512 * 255 * 128 < 2^24
constexpr int kRows = 4;

// Lanes of B as float.
HWY_ATTR inline V load_b(F d, const float* p) { return hn::LoadU(d, p); }
HWY_ATTR inline V load_b(F d, const uint16_t* p) {  // bfloat16 bits
  const hn::Rebind<uint16_t, F> d16;
  const hn::Rebind<uint32_t, F> d32;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, p))));
}
HWY_ATTR inline V load_b(F d, const int8_t* p) {
  const hn::Rebind<int8_t, F> d8;
  const hn::Rebind<int32_t, F> d32;
  return hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, p)));
}

inline float load_a(const float* p) { return *p; }
inline float load_a(const uint16_t* p) {
  const uint32_t bits = uint32_t{*p} << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
inline float load_a(const uint8_t* p) { return float(*p); }

HWY_ATTR inline void store(F d, V sum, float* out, bool add) {
  hn::StoreU(add ? hn::Add(sum, hn::LoadU(d, out)) : sum, d, out);
}
HWY_ATTR inline void store(F d, V sum, int32_t* out, bool add) {
  (void)d;
  const hn::Rebind<int32_t, F> d32;
  const auto whole = hn::ConvertTo(d32, sum);
  hn::StoreU(add ? hn::Add(whole, hn::LoadU(d32, out)) : whole, d32, out);
}

// `Rows` rows of A times one panel, k in [0, K).
template <int Rows, class A, class B, class D>
HWY_ATTR void panel_rows(const A* a, int64_t lda, const B* b, int64_t K, D* out, bool add) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  for (int64_t n = 0; n < kPanel; n += 2 * lanes) {
    V s00 = hn::Zero(d), s01 = s00, s10 = s00, s11 = s00;
    V s20 = s00, s21 = s00, s30 = s00, s31 = s00;
    const B* column = b + n;
    for (int64_t k = 0; k < K; ++k, column += kPanel) {
      const auto b0 = load_b(d, column);
      const auto b1 = load_b(d, column + lanes);
      const auto a0 = hn::Set(d, load_a(a + k));
      s00 = hn::MulAdd(a0, b0, s00);
      s01 = hn::MulAdd(a0, b1, s01);
      if constexpr (Rows > 1) {
        const auto a1 = hn::Set(d, load_a(a + lda + k));
        s10 = hn::MulAdd(a1, b0, s10);
        s11 = hn::MulAdd(a1, b1, s11);
      }
      if constexpr (Rows > 2) {
        const auto a2 = hn::Set(d, load_a(a + 2 * lda + k));
        s20 = hn::MulAdd(a2, b0, s20);
        s21 = hn::MulAdd(a2, b1, s21);
      }
      if constexpr (Rows > 3) {
        const auto a3 = hn::Set(d, load_a(a + 3 * lda + k));
        s30 = hn::MulAdd(a3, b0, s30);
        s31 = hn::MulAdd(a3, b1, s31);
      }
    }
    store(d, s00, out + n, add);
    store(d, s01, out + n + lanes, add);
    if constexpr (Rows > 1) {
      store(d, s10, out + kPanel + n, add);
      store(d, s11, out + kPanel + n + lanes, add);
    }
    if constexpr (Rows > 2) {
      store(d, s20, out + 2 * kPanel + n, add);
      store(d, s21, out + 2 * kPanel + n + lanes, add);
    }
    if constexpr (Rows > 3) {
      store(d, s30, out + 3 * kPanel + n, add);
      store(d, s31, out + 3 * kPanel + n + lanes, add);
    }
  }
}

template <class A, class B, class D>
HWY_ATTR void multiply(const A* a, int64_t lda, const B* b, int64_t K, int64_t N, int64_t rows,
                       D* out, int64_t ldd) {
  const int64_t step = sizeof(B) == 1 ? kExactSums : K;
  alignas(64) D block[kRows * kPanel] = {};  // what no product reaches (K is 0) is zero
  for (int64_t n = 0; n < N; n += kPanel, b += K * kPanel) {
    const size_t width = size_t(std::min(kPanel, N - n));
    for (int64_t r = 0; r < rows; r += kRows) {
      const int64_t count = std::min<int64_t>(kRows, rows - r);
      for (int64_t k = 0; k < K; k += step) {
        const int64_t depth = std::min(step, K - k);
        const A* left = a + r * lda + k;
        const B* right = b + k * kPanel;
        switch (count) {
          case 1: panel_rows<1>(left, lda, right, depth, block, k > 0); break;
          case 2: panel_rows<2>(left, lda, right, depth, block, k > 0); break;
          case 3: panel_rows<3>(left, lda, right, depth, block, k > 0); break;
          default: panel_rows<4>(left, lda, right, depth, block, k > 0); break;
        }
      }
      for (int64_t i = 0; i < count; ++i) {
        std::memcpy(out + (r + i) * ldd + n, block + i * kPanel, width * sizeof(D));
      }
    }
  }
}

HWY_ATTR void gemm_portable(GemmType type, int64_t K, int64_t N, const std::byte* b, const void* a,
                            int64_t lda, int64_t rows, void* d, int64_t ldd) {
  switch (type) {
    case GemmType::kF32:
      multiply(static_cast<const float*>(a), lda, reinterpret_cast<const float*>(b), K, N, rows,
               static_cast<float*>(d), ldd);
      break;
    case GemmType::kBF16:
      multiply(static_cast<const uint16_t*>(a), lda, reinterpret_cast<const uint16_t*>(b), K, N,
               rows, static_cast<float*>(d), ldd);
      break;
    case GemmType::kI8:
      multiply(static_cast<const uint8_t*>(a), lda, reinterpret_cast<const int8_t*>(b), K, N, rows,
               static_cast<int32_t*>(d), ldd);
      break;
  }
}

}  // namespace maie::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maie::cpu::portable {
namespace {

constexpr int64_t kPanel = 32;
HWY_EXPORT(gemm_portable);

template <class Elem, class From>
void pack_panels(int64_t K, int64_t N, const GemmSource& source, Elem* out, From from) {
  for (int64_t n = 0; n < N; n += kPanel) {
    for (int64_t k = 0; k < K; ++k, out += kPanel) {
      for (int64_t i = 0; i < kPanel; ++i) {
        out[i] = n + i < N ? from(k * source.stride_k + (n + i) * source.stride_n) : Elem();
      }
    }
  }
}

}  // namespace

size_t packed_bytes(GemmType type, int64_t K, int64_t N) {
  return size_t((N + kPanel - 1) / kPanel * kPanel * K) * gemm_element_bytes(type);
}

void pack(GemmType type, int64_t K, int64_t N, const GemmSource& source, std::byte* storage) {
  const auto* f32 = static_cast<const float*>(source.data);
  switch (type) {
    case GemmType::kF32:
      pack_panels(K, N, source, reinterpret_cast<float*>(storage),
                  [=](int64_t i) { return f32[i]; });
      break;
    case GemmType::kBF16: {
      const auto* bits = static_cast<const uint16_t*>(source.data);
      auto* out = reinterpret_cast<uint16_t*>(storage);
      if (source.is_f32) {
        pack_panels(K, N, source, out, [=](int64_t i) { return BFloat16(f32[i]).bits; });
      } else {
        pack_panels(K, N, source, out, [=](int64_t i) { return bits[i]; });
      }
      break;
    }
    case GemmType::kI8: {
      const auto* values = static_cast<const int8_t*>(source.data);
      pack_panels(K, N, source, reinterpret_cast<int8_t*>(storage),
                  [=](int64_t i) { return values[i]; });
      break;
    }
  }
}

void gemm(GemmType type, int64_t K, int64_t N, const std::byte* b, const void* a, int64_t lda,
          int64_t rows, void* d, int64_t ldd) {
  HWY_DYNAMIC_DISPATCH(gemm_portable)(type, K, N, b, a, lda, rows, d, ldd);
}

}  // namespace maie::cpu::portable
#endif  // HWY_ONCE
