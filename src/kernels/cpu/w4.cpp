// The sums of a tile of kRows rows and kVectors vectors of outputs stay in registers through a
// panel. Codes are split into low and high halves as they are loaded: with several rows that costs
// less than reading them twice as wide from a second copy. Those with high bits, which are more
// work, are made into bytes once a panel when rows are many. Bound by memory up to about eight
// rows, by 8-bit products beyond. Numbers: docs/performance.md.

#include "kernels/cpu/w4.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/cpu/linear.h"
#include "tensor/dtype.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/w4.cpp"
#define HWY_WANT_AVX3_DL  // 8-bit dot products
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vector_math-inl.h"

// Where products of unsigned and signed bytes are summed by fours of neighbours in a few
// instructions: Highway has no such function in all the versions we build with.
#undef MAIE_W4_VECTORS
#undef MAIE_W4_ATTR
#define MAIE_W4_ATTR HWY_ATTR
#if HWY_ARCH_X86 && (HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3)
#define MAIE_W4_VECTORS 1
#elif HWY_ARCH_X86 && HWY_TARGET == HWY_AVX3_DL
#define MAIE_W4_VECTORS 1
#undef MAIE_W4_ATTR  // Highway 1.0.3 forgets this one in the attributes of its target
#define MAIE_W4_ATTR __attribute__((target(HWY_TARGET_STR ",avx512vnni")))
#elif HWY_ARCH_X86 && defined(HWY_AVX3_ZEN4) && HWY_TARGET == HWY_AVX3_ZEN4
#define MAIE_W4_VECTORS 1
#elif HWY_ARCH_X86 && defined(HWY_AVX3_SPR) && HWY_TARGET == HWY_AVX3_SPR
#define MAIE_W4_VECTORS 1
#elif HWY_ARCH_ARM_A64 && HWY_TARGET == HWY_NEON
#define MAIE_W4_VECTORS 1
#elif HWY_ARCH_ARM_A64 && defined(HWY_NEON_WITHOUT_AES) && HWY_TARGET == HWY_NEON_WITHOUT_AES
#define MAIE_W4_VECTORS 1
#else
#define MAIE_W4_VECTORS 0
#endif

HWY_BEFORE_NAMESPACE();
namespace maie::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if MAIE_W4_VECTORS

using I32 = hn::RebindToSigned<F>;
using U8 = hn::Repartition<uint8_t, F>;
using VI = hn::Vec<I32>;
using V8 = hn::Vec<U8>;
using V16 = hn::Vec<hn::Repartition<uint16_t, F>>;

// Four activations in every lane.
MAIE_W4_ATTR HWY_INLINE VI four(const int8_t* q) {
  int32_t word;
  std::memcpy(&word, q, sizeof word);
  return hn::Set(I32(), word);
}

// sum += low codes . q0 + high codes . q1, fours of bytes in each lane. Codes are at most 63 and
// activations 127, so four products of them, 32004, just fit in 16 bits.
#if HWY_ARCH_X86
MAIE_W4_ATTR HWY_INLINE VI dot(VI sum, V8 low, V8 high, VI q0, VI q1) {
#if HWY_TARGET == HWY_AVX2
  const __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(low.raw, q0.raw),
                                         _mm256_maddubs_epi16(high.raw, q1.raw));
  return VI{_mm256_add_epi32(sum.raw, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))};
#elif HWY_TARGET == HWY_AVX3
  const __m512i pairs = _mm512_add_epi16(_mm512_maddubs_epi16(low.raw, q0.raw),
                                         _mm512_maddubs_epi16(high.raw, q1.raw));
  return VI{_mm512_add_epi32(sum.raw, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))};
#else
  // Not as intrinsics: g++ 12 puts a move before each of them, a fifth of the time.
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(low.raw), "v"(q0.raw));
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(high.raw), "v"(q1.raw));
  return sum;
#endif
}
#else
MAIE_W4_ATTR HWY_INLINE VI dot(VI sum, V8 low, V8 high, VI q0, VI q1) {
  const int8x16_t a = vreinterpretq_s8_u8(low.raw), b = vreinterpretq_s8_u8(high.raw);
  const int8x16_t x = vreinterpretq_s8_s32(q0.raw), y = vreinterpretq_s8_s32(q1.raw);
#if defined(__ARM_FEATURE_DOTPROD)
  return VI{vdotq_s32(vdotq_s32(sum.raw, a, x), b, y)};
#else
  const int16x8_t first =
      vmlal_s8(vmull_s8(vget_low_s8(a), vget_low_s8(x)), vget_low_s8(b), vget_low_s8(y));
  const int16x8_t second = vmlal_high_s8(vmull_high_s8(a, x), b, y);
  return VI{vaddq_s32(sum.raw, vpaddq_s32(vpaddlq_s16(first), vpaddlq_s16(second)))};
#endif
}
#endif

#if HWY_TARGET == HWY_AVX2
constexpr int kTileRows = 4, kTileVectors = 1;  // 16 registers
#elif HWY_ARCH_X86
constexpr int kTileRows = 6, kTileVectors = 2;
#else
constexpr int kTileRows = 4, kTileVectors = 2;
#endif
// One tile of more rows than registers serve best still wins while the weights come from memory.
constexpr int kOneTileRows = 8;
// More rows than that are worth making bytes of a panel's 5- and 6-bit codes first.
constexpr int kUnpackedRows = 16;

// Bytes between the codes at work and those fetched meanwhile. With one row the processor runs far
// enough ahead by itself; with more it sees too little of the stream.
constexpr int64_t kAhead = 2048;

// What a tile has summed up so far: `kRows` rows, kTileVectors vectors of outputs.
template <int kRows, class Vector>
struct Tile {
  Vector at[kRows][kTileVectors];
};

// The kind of high bits of a panel whose codes are bytes: words of inputs 8j + i, 32 of them, then
// words of inputs 8j + 4 + i.
constexpr int kBytes = 4;

// Bytes of eight codes of each output, and inputs that share a word of high bits.
constexpr int64_t step_bytes(int high) { return kW4Panel * (high == kBytes ? 8 : 4); }
constexpr int64_t stretch(int high) { return high == 1 || high == 2 ? 32 / high : 8; }

// Codes of four inputs in every lane, and of the next four.
struct Fours {
  V8 first, second;
};

// Codes of the next eight inputs. @param words  their high bits lowest; leaves the next ones there.
template <int kHigh>
MAIE_W4_ATTR HWY_INLINE Fours split(const uint8_t* codes, V16& words) {
  const U8 d8;
  const hn::Repartition<uint16_t, F> d16;
  const V8 both = hn::LoadU(d8, codes);
  if constexpr (kHigh == kBytes) {
    return {both, hn::LoadU(d8, codes + kW4Panel * 4)};
  } else {
    const V8 low_half = hn::Set(d8, 15);
    const V8 first = hn::And(both, low_half);
    const V8 second = hn::And(hn::BitCast(d8, hn::ShiftRight<4>(hn::BitCast(d16, both))), low_half);
    if constexpr (kHigh == 0) {
      return {first, second};
    } else {
      // Bits that cross from byte to byte end below or above those of the mask.
      const V8 mask = hn::Set(d8, uint8_t(((1 << kHigh) - 1) << 4));
      const V8 high0 = hn::BitCast(d8, hn::ShiftLeft<4>(words));
      const V8 high1 = hn::BitCast(d8, hn::ShiftLeft<4 - kHigh>(words));
      words = hn::ShiftRight<2 * kHigh>(words);
      return {hn::Or(first, hn::And(high0, mask)), hn::Or(second, hn::And(high1, mask))};
    }
  }
}

// sums += codes . activations over one group. @param high  their high bits. @param q  of the first
// row.
template <int kRows, int kHigh>
MAIE_W4_ATTR HWY_INLINE void dot_group(int64_t group, const uint8_t* codes, const uint8_t* high,
                                       const int8_t* q, int64_t row_codes, Tile<kRows, VI>& sums) {
  const U8 d8;
  const hn::Repartition<uint16_t, F> d16;
  const int64_t bytes = int64_t(hn::Lanes(d8));
  const auto fetch = [&](const uint8_t* from) MAIE_W4_ATTR {
    for (int64_t line = 0; kRows > 2 && kHigh != kBytes && line < kTileVectors * bytes;
         line += 64) {
      __builtin_prefetch(from + kAhead + line);
    }
  };
  for (int64_t k = 0; k < group; k += stretch(kHigh)) {
    V16 words[kTileVectors];
    if constexpr (kHigh == 1 || kHigh == 2) {
      fetch(high);
      for (int v = 0; v < kTileVectors; ++v) {
        words[v] = hn::BitCast(d16, hn::LoadU(d8, high + v * bytes));
      }
      high += kW4Panel * 4;
    }
    for (int64_t i = 0; i < stretch(kHigh); i += 8, q += 8, codes += step_bytes(kHigh)) {
      fetch(codes);
      Fours fours[kTileVectors];
      for (int v = 0; v < kTileVectors; ++v) fours[v] = split<kHigh>(codes + v * bytes, words[v]);
      for (int r = 0; r < kRows; ++r) {
        const VI q0 = four(q + r * row_codes), q1 = four(q + r * row_codes + 4);
        for (int v = 0; v < kTileVectors; ++v) {
          sums.at[r][v] = dot(sums.at[r][v], fours[v].first, fours[v].second, q0, q1);
        }
      }
    }
  }
}

// A panel with codes of a byte each. @param out  a panel of the format `bytes`.
template <int kHigh>
MAIE_W4_ATTR void unpack(const W4Format& format, const std::byte* panel, const W4Format& bytes,
                         std::byte* out) {
  const U8 d8;
  const int64_t step = int64_t(hn::Lanes(d8));
  for (int64_t g = 0; g < format.groups; ++g) {
    for (int64_t v = 0; v < kW4Panel * 4; v += step) {
      const auto* codes = reinterpret_cast<const uint8_t*>(panel) + v;
      const auto* high = codes + format.high_at();
      auto* to = reinterpret_cast<uint8_t*>(out) + v;
      for (int64_t k = 0; k < format.group; k += stretch(kHigh), high += kW4Panel * 4) {
        V16 words = hn::BitCast(hn::Repartition<uint16_t, F>(), hn::LoadU(d8, high));
        for (int64_t i = 0; i < stretch(kHigh); i += 8) {
          const Fours fours = split<kHigh>(codes, words);
          hn::StoreU(fours.first, d8, to);
          hn::StoreU(fours.second, d8, to + kW4Panel * 4);
          codes += step_bytes(kHigh);
          to += step_bytes(kBytes);
        }
      }
    }
    std::memcpy(out + bytes.scales_at(), panel + format.scales_at(),
                format.group_bytes() - size_t(format.scales_at()));
    panel += format.group_bytes();
    out += bytes.group_bytes();
  }
}

// acc = sums of outputs [first, first + vectors) of a panel.
template <int kRows, int kHigh, bool kOffsets>
MAIE_W4_ATTR HWY_INLINE void sum_tile(const W4Format& format, const std::byte* panel, int64_t first,
                                      const W4Activations& x, Tile<kRows, V>& acc) {
  const F d;
  const I32 di;
  const hn::Rebind<hwy::float16_t, F> dh;
  const int64_t lanes = int64_t(hn::Lanes(d));
  const int64_t blocks = format.blocks(), block_groups = kW4Block / format.group;
  const std::byte* codes = panel + first * 4;
  const std::byte* high = panel + format.high_at() + first * 4;
  const std::byte* halves = panel + format.scales_at() + first * 2;
  const int8_t* q = x.codes;
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kTileVectors; ++v) acc.at[r][v] = hn::Zero(d);
  }
  for (int64_t b = 0, g = 0; b < blocks; ++b) {
    Tile<kRows, V> inner;
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kTileVectors; ++v) inner.at[r][v] = hn::Zero(d);
    }
    for (const int64_t end = std::min(g + block_groups, format.groups); g < end; ++g) {
      Tile<kRows, VI> sums;
      for (int r = 0; r < kRows; ++r) {
        const VI start = kOffsets ? hn::Zero(di) : hn::Set(di, x.starts[r * format.groups + g]);
        for (int v = 0; v < kTileVectors; ++v) sums.at[r][v] = start;
      }
      dot_group<kRows, kHigh>(format.group, reinterpret_cast<const uint8_t*>(codes),
                              reinterpret_cast<const uint8_t*>(high), q, format.row_codes(), sums);
      for (int v = 0; v < kTileVectors; ++v) {
        const auto* scales = reinterpret_cast<const hwy::float16_t*>(halves) + v * lanes;
        const V scale = hn::PromoteTo(d, hn::LoadU(dh, scales));
        for (int r = 0; r < kRows; ++r) {
          inner.at[r][v] = hn::MulAdd(hn::ConvertTo(d, sums.at[r][v]), scale, inner.at[r][v]);
        }
        if constexpr (kOffsets) {
          const V offset = hn::PromoteTo(d, hn::LoadU(dh, scales + kW4Panel));
          for (int r = 0; r < kRows; ++r) {
            const V sum = hn::Set(d, x.sums[r * format.groups + g]);
            inner.at[r][v] = hn::MulAdd(offset, sum, inner.at[r][v]);
          }
        }
      }
      codes += format.group_bytes();
      high += format.group_bytes();
      halves += format.group_bytes();
      q += format.group;
    }
    for (int r = 0; r < kRows; ++r) {
      const V step = hn::Set(d, x.steps[r * blocks + b]);
      for (int v = 0; v < kTileVectors; ++v) {
        acc.at[r][v] = hn::MulAdd(inner.at[r][v], step, acc.at[r][v]);
      }
    }
  }
}

// y or y + acc * factor, of the outputs that are there.
MAIE_W4_ATTR HWY_INLINE void store(V acc, const float* factors, int64_t width, bool add, float* y) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  const V factor = hn::LoadU(d, factors);
  if (width >= lanes) {
    hn::StoreU(add ? hn::MulAdd(acc, factor, hn::LoadU(d, y)) : hn::Mul(acc, factor), d, y);
    return;
  }
  alignas(64) float some[16] = {};
  for (int64_t i = 0; i < width; ++i) some[i] = y[i];
  const V before = hn::Load(d, some);
  hn::Store(add ? hn::MulAdd(acc, factor, before) : hn::Mul(acc, factor), d, some);
  for (int64_t i = 0; i < width; ++i) y[i] = some[i];
}

template <int kRows, int kHigh, bool kOffsets>
MAIE_W4_ATTR void tile(const W4Format& format, const std::byte* panel, const float* factors,
                       const W4Activations& x, int64_t width, bool add, float* y, int64_t stride) {
  const int64_t lanes = int64_t(hn::Lanes(F()));
  for (int64_t first = 0; first < width; first += kTileVectors * lanes) {
    Tile<kRows, V> acc;
    sum_tile<kRows, kHigh, kOffsets>(format, panel, first, x, acc);
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kTileVectors; ++v) {
        const int64_t at = first + v * lanes;
        if (at < width) store(acc.at[r][v], factors + at, width - at, add, y + r * stride + at);
      }
    }
  }
}

// Calls body.template operator()<n>() with n = count, which is at most 8.
template <class Body>
MAIE_W4_ATTR HWY_INLINE void with_rows(int64_t count, const Body& body) {
  switch (count) {
    case 1: body.template operator()<1>(); break;
    case 2: body.template operator()<2>(); break;
    case 3: body.template operator()<3>(); break;
    case 4: body.template operator()<4>(); break;
    case 5: body.template operator()<5>(); break;
    case 6: body.template operator()<6>(); break;
    case 7: body.template operator()<7>(); break;
    default: body.template operator()<8>(); break;
  }
}

template <int kHigh, bool kOffsets>
MAIE_W4_ATTR void tiles(const W4Format& format, const std::byte* panel, const float* factors,
                        const W4Activations& x, int64_t rows, int64_t width, bool add, float* y,
                        int64_t stride) {
  if constexpr (kHigh == 1 || kHigh == 2) {
    if (rows > kUnpackedRows) {
      W4Format bytes = format;
      bytes.high_bits = kBytes;
      std::byte* const room = member_scratch(3, bytes.panel_bytes());
      unpack<kHigh>(format, panel, bytes, room);
      return tiles<kBytes, kOffsets>(bytes, room, factors, x, rows, width, add, y, stride);
    }
  }
  // Tiles as even as can be: 9 rows are 5 and 4, not 6 and 3.
  const int64_t count_of_tiles = rows <= kOneTileRows ? 1 : ceil_div(rows, kTileRows);
  for (int64_t left = count_of_tiles, r = 0; left > 0; --left) {
    const int64_t count = ceil_div(rows - r, left);
    with_rows(count, [&]<int kRows>() MAIE_W4_ATTR {
      tile<kRows, kHigh, kOffsets>(format, panel, factors, x.from(format, r), width, add,
                                   y + r * stride, stride);
    });
    r += count;
  }
}

MAIE_W4_ATTR void panel_kernel(const W4Format& format, const std::byte* panel, const float* factors,
                               const W4Activations& x, int64_t rows, int64_t width, bool add,
                               float* y, int64_t stride) {
  const auto run = [&]<int kHigh>() MAIE_W4_ATTR {
    if (format.offsets) {
      tiles<kHigh, true>(format, panel, factors, x, rows, width, add, y, stride);
    } else {
      tiles<kHigh, false>(format, panel, factors, x, rows, width, add, y, stride);
    }
  };
  switch (format.high_bits) {
    case 0: run.template operator()<0>(); break;
    case 1: run.template operator()<1>(); break;
    default: run.template operator()<2>(); break;
  }
}

#else

inline float half_at(const std::byte* at) {
  Half half;
  std::memcpy(&half.bits, at, sizeof half.bits);
  return float(half);
}

HWY_ATTR void panel_kernel(const W4Format& format, const std::byte* panel, const float* factors,
                           const W4Activations& x, int64_t rows, int64_t width, bool add, float* y,
                           int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    const W4Activations row = x.from(format, r);
    for (int64_t n = 0; n < width; ++n) {
      float acc = 0, inner = 0;
      for (int64_t g = 0; g < format.groups; ++g) {
        const std::byte* group = panel + size_t(g) * format.group_bytes();
        int32_t sum = format.offsets ? 0 : row.starts[g];
        for (int64_t k = 0; k < format.group; ++k) {
          sum += w4_code(format, group, n, k) * row.codes[g * format.group + k];
        }
        const std::byte* halves = group + format.scales_at();
        inner += float(sum) * half_at(halves + n * 2);
        if (format.offsets) inner += half_at(halves + (kW4Panel + n) * 2) * row.sums[g];
        const int64_t next = (g + 1) * format.group;
        if (next % kW4Block == 0 || g + 1 == format.groups) {
          acc += inner * row.steps[(next - 1) / kW4Block];
          inner = 0;
        }
      }
      float& out = y[r * stride + n];
      out = add ? out + acc * factors[n] : acc * factors[n];
    }
  }
}

#endif  // MAIE_W4_VECTORS

// Scale of a block, 0 when it has none that is finite.
inline float scale_of(float most) {
  const float wanted = most > 0 && std::isfinite(most) ? 127.0f / most : 0.0f;
  return std::isfinite(wanted) ? wanted : 0.0f;
}

HWY_ATTR float greatest_of(const float* x, int64_t size) {
  const F d;
  V most = hn::Zero(d);
  for (int64_t i = 0; i < size; i += int64_t(hn::Lanes(d))) {
    most = hn::Max(most, hn::Abs(hn::LoadU(d, x + i)));
  }
  return hn::GetLane(hn::MaxOfLanes(d, most));
}

// Returns Σ q. @param size  a multiple of 16.
HWY_ATTR int32_t round_group(const float* x, int64_t size, float scale, int8_t* q) {
  const F d;
  const hn::RebindToSigned<F> di;
  const hn::Rebind<int8_t, F> d8;
  const int64_t lanes = int64_t(hn::Lanes(d));
  const V factor = hn::Set(d, scale);
  auto total = hn::Zero(di);
  for (int64_t i = 0; i < size; i += lanes) {
    const auto rounded = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), factor));
    total = hn::Add(total, rounded);
    hn::StoreU(hn::DemoteTo(d8, rounded), d8, q + i);
  }
  return hn::GetLane(hn::SumOfLanes(di, total));
}

HWY_ATTR void quantize_kernel(const W4Format& format, const float* x, int64_t size,
                              const W4Activations& out) {
  for (int64_t b = 0; b < format.blocks(); ++b) {
    const int64_t first = b * kW4Block;
    const int64_t count = std::min(kW4Block, format.row_codes() - first);
    const float* block = x + first;
    float padded[kW4Block] = {};
    if (size - first < count) {
      std::copy(block, x + size, padded);
      block = padded;
    }
    const float most = greatest_of(block, count);
    const float scale = scale_of(most);
    out.steps[b] = scale > 0 ? most / 127.0f : 0.0f;
    for (int64_t i = 0; i < count; i += format.group) {
      const int32_t sum = round_group(block + i, format.group, scale, out.codes + first + i);
      const int64_t g = (first + i) / format.group;
      if (format.offsets) {
        out.sums[g] = float(sum);
      } else {
        out.starts[g] = -format.middle() * sum;
      }
    }
  }
}

// Codes less 8 of a vector of weights, as floats.
HWY_ATTR V whole_codes(V w, V back) {
  const F d;
  const V code = hn::Round(hn::Mul(w, back));
  return hn::Min(hn::Max(code, hn::Set(d, -8.0f)), hn::Set(d, 7.0f));
}

HWY_ATTR float squared_error(const float* w, float scale) {
  const F d;
  const V step = hn::Set(d, scale), back = hn::Set(d, scale == 0 ? 0.0f : 1 / scale);
  V error = hn::Zero(d);
  for (int64_t i = 0; i < 32; i += int64_t(hn::Lanes(d))) {
    const V value = hn::LoadU(d, w + i);
    const V off = hn::Sub(hn::Mul(whole_codes(value, back), step), value);
    error = hn::MulAdd(off, off, error);
  }
  return hn::GetLane(hn::SumOfLanes(d, error));
}

HWY_ATTR float quantize_group_kernel(const float* w, uint8_t* codes) {
  const F d;
  const hn::RebindToSigned<F> di;
  const hn::Rebind<uint8_t, F> d8;
  const float most = *std::max_element(w, w + 32), least = *std::min_element(w, w + 32);
  const float extreme = most > -least ? most : least;
  // The code of greatest magnitude is -8: it goes to the value of greatest magnitude, or near it.
  float scale = 0, least_error = INFINITY;
  for (const float steps : {-8.0f, -7.6f, -8.4f, -7.2f, -8.8f, -9.2f}) {
    const auto candidate = float(Half(extreme / steps));
    const float error = squared_error(w, candidate);
    if (error < least_error) {
      least_error = error;
      scale = candidate;
    }
  }
  const V back = hn::Set(d, scale == 0 ? 0.0f : 1 / scale);
  for (int64_t i = 0; i < 32; i += int64_t(hn::Lanes(d))) {
    const auto code = hn::ConvertTo(di, whole_codes(hn::LoadU(d, w + i), back));
    hn::StoreU(hn::DemoteTo(d8, hn::Add(code, hn::Set(di, 8))), d8, codes + i);
  }
  return scale;
}

}  // namespace maie::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maie::cpu {

HWY_EXPORT(panel_kernel);
HWY_EXPORT(quantize_kernel);
HWY_EXPORT(quantize_group_kernel);

size_t W4Activations::bytes(const W4Format& format, int64_t rows) {
  return aligned(size_t(rows * format.row_codes())) +
         aligned(size_t(rows * format.blocks()) * sizeof(float)) +
         aligned(size_t(rows * format.groups) * sizeof(float));
}

W4Activations W4Activations::in(std::byte* memory, const W4Format& format, int64_t rows) {
  std::byte* const steps = memory + aligned(size_t(rows * format.row_codes()));
  std::byte* const starts = steps + aligned(size_t(rows * format.blocks()) * sizeof(float));
  return {reinterpret_cast<int8_t*>(memory), reinterpret_cast<float*>(steps),
          reinterpret_cast<int32_t*>(starts), reinterpret_cast<float*>(starts)};
}

W4Activations W4Activations::from(const W4Format& format, int64_t row) const {
  return {codes + row * format.row_codes(), steps + row * format.blocks(),
          starts + row * format.groups, sums + row * format.groups};
}

void quantize_w4_row(const W4Format& format, const float* x, int64_t size,
                     const W4Activations& out) {
  HWY_DYNAMIC_DISPATCH(quantize_kernel)(format, x, size, out);
}

float quantize_w4_group(const float* w, uint8_t* codes) {
  return HWY_DYNAMIC_DISPATCH(quantize_group_kernel)(w, codes);
}

void w4_panel(const W4Format& format, const std::byte* panel, const float* factors,
              const W4Activations& x, int64_t rows, int64_t width, bool add, float* y,
              int64_t stride) {
  HWY_DYNAMIC_DISPATCH(panel_kernel)(format, panel, factors, x, rows, width, add, y, stride);
}

}  // namespace maie::cpu
#endif  // HWY_ONCE
