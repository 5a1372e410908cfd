#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/sizes.h"

// Products with weights of 4 bits, one panel of outputs at a time, on the calling thread.
//
// A panel holds 32 outputs, group after group, so that it streams through once:
//
//   codes    [group / 8][32] words of 4 bytes: byte i of word n holds the codes of output n and
//            inputs 8j + i (low half) and 8j + 4 + i (high half)
//   scales   [32] float16
//   offsets  [32] float16, where the format has them
//
// weight = (code * scale + offset) * factor of the output, a power of two that keeps the halves in
// their range. Without offsets: (code - 8) * scale * factor.
//
// A row of activations is rounded to 8 bits, group by group (Activations). Then for every output
//
//   sum = 0; for each group g: sum += scale[g] * (Σ code * q) * step[g] + offset[g] * (Σ q * step)
//
// where the inner sums are exact integers and the outer one is in float32, in the order of the
// groups, on every machine and for every number of rows.

namespace maie::cpu {

constexpr int64_t kW4Panel = 32;

struct W4Format {
  int64_t group = 32;  ///< inputs with one scale: 32, 64 or 128
  int64_t groups = 0;  ///< of a row
  bool offsets = false;

  size_t group_bytes() const { return size_t(kW4Panel * (group / 2 + (offsets ? 4 : 2))); }
  size_t panel_bytes() const { return size_t(groups) * group_bytes(); }
};

/// Rows of activations in 8 bits; views.
struct W4Activations {
  int8_t* codes;  ///< [rows, groups * group], -127 to 127
  float* steps;   ///< [rows, groups], value = code * step
  /// [rows, groups], in the same place: with offsets Σ code * step, without -8 * Σ code, where
  /// integer sums start.
  int32_t* starts;
  float* sums;

  static size_t bytes(const W4Format& format, int64_t rows) {
    return aligned(size_t(rows * format.groups * format.group)) +
           2 * aligned(size_t(rows * format.groups) * 4);
  }
  /// In `bytes` of memory.
  static W4Activations in(std::byte* memory, const W4Format& format, int64_t rows);
  W4Activations from(const W4Format& format, int64_t row) const {
    return {codes + row * format.groups * format.group, steps + row * format.groups,
            starts + row * format.groups, sums + row * format.groups};
  }
};

/// code = round(x * 127 / max|x|) of each group, half to even; inputs past `size` count as 0. A
/// group without a finite scale counts as zeros. @param x [size] one row. @param out  its place.
void quantize_w4_row(const W4Format& format, const float* x, int64_t size,
                     const W4Activations& out);

/// The first `width` outputs of a panel for some rows: y = x Wᵀ, or y += x Wᵀ when `add`.
/// @param factors [32]. @param y  rows `stride` floats apart.
void w4_panel(const W4Format& format, const std::byte* panel, const float* factors,
              const W4Activations& x, int64_t rows, int64_t width, bool add, float* y,
              int64_t stride);

}  // namespace maie::cpu
