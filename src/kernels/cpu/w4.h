#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/sizes.h"

// Products with weights of 4 to 6 bits, one panel of outputs at a time, on the calling thread.
//
// A panel holds 32 outputs, group after group, so that it streams through once:
//
//   codes    [group / 8][32] words of 4 bytes: byte i of word n holds the codes of output n and
//            inputs 8j + i (low half) and 8j + 4 + i (high half): all of it, or its low 4 bits
//   high     [group * high_bits / 32][32] words of 4 bytes: byte i of word n holds the high bits of
//            output n and inputs i, 4 + i, 8 + i, ... from the lowest bit up
//   scales   [32] float16
//   offsets  [32] float16, where the format has them
//
// weight = (code * scale + offset) * factor of the output, a power of two that keeps the halves in
// their range. Without offsets: (code - middle) * scale * factor.
//
// A row of activations is rounded to 8 bits in blocks of 128 inputs (W4Activations). For an output
//
//   sum = 0; for each block: { inner = 0;
//     for each of its groups: inner += scale * (Σ code * q) + offset * (Σ q);   sum += inner * step
//     }
//
// where Σ is an exact integer and the rest is in float32, in this order on every machine and for
// every number of rows. One scale for 128 activations rather than 32 leaves the multipliers to the
// 8-bit products: a twelfth less time.

namespace maie::cpu {

constexpr int64_t kW4Panel = 32;
constexpr int64_t kW4Block = 128;

struct W4Format {
  int64_t group = 32;  ///< inputs with one scale: 32, 64 or 128; 16 too with 2 high bits
  int64_t groups = 0;  ///< of a row
  bool offsets = false;
  int high_bits = 0;  ///< of a code, beside its low 4: 0, 1 or 2

  int middle() const { return 8 << high_bits; }  ///< the code of weight 0, without offsets
  int64_t row_codes() const { return groups * group; }
  int64_t blocks() const { return ceil_div(row_codes(), kW4Block); }
  /// Where in a group the high bits and the scales stand.
  int64_t high_at() const { return kW4Panel * group / 2; }
  int64_t scales_at() const { return high_at() + kW4Panel * group * high_bits / 8; }
  size_t group_bytes() const { return size_t(scales_at() + kW4Panel * (offsets ? 4 : 2)); }
  size_t panel_bytes() const { return size_t(groups) * group_bytes(); }
};

/// Rows of activations in 8 bits; views.
struct W4Activations {
  int8_t* codes;  ///< [rows, row_codes], -127 to 127
  float* steps;   ///< [rows, blocks], value = code * step
  /// [rows, groups], in one place: without offsets -middle * Σ code, where the integer sums start,
  /// and with offsets Σ code.
  int32_t* starts;
  float* sums;

  static size_t bytes(const W4Format& format, int64_t rows);
  /// In `bytes` of memory.
  static W4Activations in(std::byte* memory, const W4Format& format, int64_t rows);
  W4Activations from(const W4Format& format, int64_t row) const;
};

/// code = round(x * 127 / max|x|) of each block, half to even; inputs past `size` count as 0. A
/// block without a finite scale counts as zeros. @param x [size] one row. @param out  its place.
void quantize_w4_row(const W4Format& format, const float* x, int64_t size,
                     const W4Activations& out);

/// Code `k`, 0 to format.group, of an output of a panel. @param group  its bytes in that panel.
inline int w4_code(const W4Format& format, const std::byte* group, int64_t output, int64_t k) {
  const int byte = int(group[(k / 8 * kW4Panel + output) * 4 + k % 4]);
  const int low = k % 8 < 4 ? byte & 15 : byte >> 4;
  if (format.high_bits == 0) return low;
  const int64_t stretch = 32 / format.high_bits;  // inputs of one word
  const std::byte* words = group + format.high_at();
  const int high = int(words[(k / stretch * kW4Panel + output) * 4 + k % 4]) >>
                   (k % stretch / 4 * format.high_bits);
  return low | (high & ((1 << format.high_bits) - 1)) << 4;
}

/// 32 weights as codes around 8, weight = (code - 8) * scale. Returns the scale, a float16: the one
/// of least squared error among a few.
float quantize_w4_group(const float* w, uint8_t* codes);

/// The first `width` outputs of a panel for some rows: y = x Wᵀ, or y += x Wᵀ when `add`.
/// @param factors [32]. @param y  rows `stride` floats apart.
void w4_panel(const W4Format& format, const std::byte* panel, const float* factors,
              const W4Activations& x, int64_t rows, int64_t width, bool add, float* y,
              int64_t stride);

}  // namespace maie::cpu
