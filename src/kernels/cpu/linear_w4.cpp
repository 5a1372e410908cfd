// Linear layers with weights of 4 to 6 bits. Few rows (decoding): bound by streaming the weights,
// so each member rounds all rows of x for itself and takes a run of panels. Many rows (prompts):
// bound by arithmetic; rows are rounded once, then tiles (rows x panels) are handed out. The
// products are the same ones (kernels/cpu/w4.h). Numbers: docs/performance.md.

#include "kernels/cpu/linear_w4.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "kernels/cpu/linear.h"
#include "kernels/cpu/sizes.h"
#include "kernels/cpu/weight_rows.h"

namespace maie::cpu {
namespace {

constexpr int64_t kFewRows = 16;
constexpr int64_t kTileRows = 96;
constexpr int64_t kTilePanels = 4;

// One panel's rows as they are read: [32] of codes, scales and offsets.
struct PanelRows {
  PanelRows(const W4Format& format)
      : row_bytes(format.high_bits == 0 ? format.row_codes() / 2 : format.row_codes()),
        codes(size_t(kW4Panel * row_bytes)),
        scales(size_t(kW4Panel * format.groups)),
        offsets(format.offsets ? scales.size() : 0) {}

  QuantisedRows from(const W4Format& format, int64_t row) {
    const int64_t scale = row * format.groups;
    return {codes.data() + row * row_bytes, scales.data() + scale,
            format.offsets ? offsets.data() + scale : nullptr};
  }

  int64_t row_bytes;  // 5 and 6 bits: a byte each
  std::vector<uint8_t> codes;
  std::vector<float> scales, offsets;
};

// The power of two that brings a row's scales and offsets close to the top of float16.
float factor_of(const W4Format& format, const QuantisedRows& row) {
  float most = 0;
  for (int64_t g = 0; g < format.groups; ++g) {
    most = std::max(most, std::abs(row.scales[g]));
    if (row.offsets != nullptr) most = std::max(most, std::abs(row.offsets[g]));
  }
  if (most == 0 || !std::isfinite(most)) return 1;
  int exponent = 0;
  std::frexp(most, &exponent);
  return std::ldexp(1.0f, std::max(exponent, -100) - 15);
}

void put_half(float value, std::byte* to) {
  const Half half(value);
  std::memcpy(to, &half.bits, sizeof half.bits);
}

// Four bytes of the file's order (two neighbours each) as inputs 0 to 3 low, 4 to 7 high.
uint32_t reorder(const uint8_t* pairs) {
  const uint32_t b0 = pairs[0], b1 = pairs[1], b2 = pairs[2], b3 = pairs[3];
  return ((b0 & 15) | (b2 & 15) << 4) | ((b0 >> 4) | (b2 & 0xf0)) << 8 |
         ((b1 & 15) | (b3 & 15) << 4) << 16 | ((b1 >> 4) | (b3 & 0xf0)) << 24;
}

// A group of 4-bit codes, in two halves of a byte. Returns where the next one is.
const uint8_t* pack_pairs(const W4Format& format, const uint8_t* codes, std::byte* to) {
  for (int64_t k = 0; k < format.group; k += 8, codes += 4, to += kW4Panel * 4) {
    const uint32_t word = reorder(codes);
    std::memcpy(to, &word, sizeof word);
  }
  return codes;
}

// The same of codes of a byte each, four of them at a time.
const uint8_t* pack_bytes(const W4Format& format, const uint8_t* codes, std::byte* to) {
  constexpr uint32_t kHalves = 0x0f0f0f0f;
  std::byte* high_to = to + format.high_at();
  uint32_t high = 0;
  for (int64_t k = 0, filled = 0; k < format.group; k += 8, codes += 8, to += kW4Panel * 4) {
    uint32_t first, second;
    std::memcpy(&first, codes, sizeof first);
    std::memcpy(&second, codes + 4, sizeof second);
    const uint32_t word = (first & kHalves) | (second & kHalves) << 4;
    std::memcpy(to, &word, sizeof word);
    high |= ((first >> 4) & kHalves) << filled;
    high |= ((second >> 4) & kHalves) << (filled + format.high_bits);
    filled += 2 * format.high_bits;
    if (filled < 8) continue;
    std::memcpy(high_to, &high, sizeof high);
    high_to += kW4Panel * 4;
    high = 0;
    filled = 0;
  }
  return codes;
}

void pack_row(const W4Format& format, const QuantisedRows& row, int64_t n, float factor,
              std::byte* panel) {
  const uint8_t* codes = row.codes;
  for (int64_t g = 0; g < format.groups; ++g, panel += format.group_bytes()) {
    codes = format.high_bits == 0 ? pack_pairs(format, codes, panel + n * 4)
                                  : pack_bytes(format, codes, panel + n * 4);
    std::byte* halves = panel + format.scales_at();
    put_half(row.scales[g] / factor, halves + n * 2);
    if (format.offsets) put_half(row.offsets[g] / factor, halves + (kW4Panel + n) * 2);
  }
}

}  // namespace

void quantize_w4(const float* w, int64_t size, uint8_t* codes, float* scales) {
  for (int64_t first = 0; first < size; first += 32, codes += 16, ++scales) {
    std::array<float, 32> group{};
    std::copy_n(w + first, std::min<int64_t>(32, size - first), group.begin());
    std::array<uint8_t, 32> rounded;
    *scales = quantize_w4_group(group.data(), rounded.data());
    for (size_t i = 0; i < 16; ++i) codes[i] = uint8_t(rounded[2 * i] | rounded[2 * i + 1] << 4);
  }
}

PackedW4 PackedW4::pack(ThreadPool& threads, int64_t group, std::span<const LinearSource> sources) {
  const WeightRows source(sources);
  PackedW4 packed;
  packed.N_ = source.rows();
  packed.K_ = source.columns();
  const bool stored = bool(sources.front().quantised);
  const int bits = stored ? sources.front().quantised.bits : 4;
  bool offsets = false;
  for (const LinearSource& each : sources) {
    const QuantisedSource& q = each.quantised;
    check(bool(q) == stored, "stored codes or floats, not both");
    check(!q || (q.bits == bits && q.bits != 8 && q.group == group),
          "sources of 4, 5 or 6 bits and one group");
    check(q || each.values.dtype() != DType::kI8, "8-bit values stay so");
    offsets = offsets || (q && q.has_offsets());
  }
  check(stored || group == 32, "floats are rounded in groups of 32");
  const W4Format format{group, ceil_div(packed.K_, group), offsets, bits - 4};
  packed.format_ = format;
  const int64_t panels = ceil_div(packed.N_, kW4Panel);
  packed.storage_ = Buffer({}, size_t(panels) * format.panel_bytes());
  packed.factors_.assign(size_t(panels * kW4Panel), 1.0f);

  threads.for_each(panels, [&](int64_t index, int) {
    const int64_t first = index * kW4Panel;
    const int64_t count = std::min(kW4Panel, packed.N_ - first);
    PanelRows rows(format);  // zeros below the last row
    if (stored) {
      source.codes(first, count, rows.from(format, 0));
    } else {
      std::vector<float> weights(static_cast<size_t>(packed.K_));
      for (int64_t n = 0; n < count; ++n) {
        source.floats(first + n, weights.data());
        const QuantisedRows row = rows.from(format, n);
        quantize_w4(weights.data(), packed.K_, row.codes, row.scales);
      }
    }
    std::byte* panel = packed.storage_.data() + size_t(index) * format.panel_bytes();
    for (int64_t n = 0; n < kW4Panel; ++n) {
      const QuantisedRows row = rows.from(format, n);
      float& factor = packed.factors_[size_t(first + n)];
      factor = factor_of(format, row);
      pack_row(format, row, n, factor, panel);
    }
  });
  packed.bias_ = source.bias();
  return packed;
}

void PackedW4::row(int64_t n, float* out) const {
  check(n >= 0 && n < N_, "row within the weights");
  const std::byte* panel = storage_.data() + size_t(n / kW4Panel) * format_.panel_bytes();
  const int64_t lane = n % kW4Panel;
  const auto half = [](const std::byte* at) {
    Half value;
    std::memcpy(&value.bits, at, sizeof value.bits);
    return float(value);
  };
  for (int64_t k = 0; k < K_; ++k) {
    const std::byte* group = panel + size_t(k / format_.group) * format_.group_bytes();
    const int code = w4_code(format_, group, lane, k % format_.group);
    const std::byte* halves = group + format_.scales_at();
    const float scale = half(halves + lane * 2);
    const float value = format_.offsets ? float(code) * scale + half(halves + (kW4Panel + lane) * 2)
                                        : float(code - format_.middle()) * scale;
    out[k] = value * factors_[size_t(n)];
  }
}

void linear(ThreadPool& threads, const float* x, int64_t rows, const PackedW4& w, Epilogue epilogue,
            float* y, int64_t stride) {
  if (rows == 0 || w.N_ == 0) return;
  const W4Format& format = w.format_;
  const bool add = epilogue == Epilogue::kAdd;
  const bool direct = w.bias_.empty() && (add || epilogue == Epilogue::kWrite);

  // Panels [begin, end) for rows [first, first + count) of the rounded x.
  const auto tile = [&](const W4Activations& a, int64_t first, int64_t count, int64_t begin,
                        int64_t end) {
    const int64_t column = begin * kW4Panel;
    const int64_t width = std::min(end * kW4Panel, w.N_) - column;
    float* acc =
        direct ? y + first * stride + column
               : reinterpret_cast<float*>(member_scratch(0, size_t(count * width) * sizeof(float)));
    const int64_t acc_stride = direct ? stride : width;
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t at = (panel - begin) * kW4Panel;
      w4_panel(format, w.storage_.data() + size_t(panel) * format.panel_bytes(),
               w.factors_.data() + panel * kW4Panel, a.from(format, first), count,
               std::min(kW4Panel, width - at), direct && add, acc + at, acc_stride);
    }
    if (direct) return;
    const float* bias = w.bias_.empty() ? nullptr : w.bias_.data() + column;
    for (int64_t r = 0; r < count; ++r) {
      finish_f32(acc + r * width, bias, width, epilogue, y + (first + r) * stride + column);
    }
  };

  const int64_t panels = ceil_div(w.N_, kW4Panel);
  const size_t bytes = W4Activations::bytes(format, rows);
  if (rows <= kFewRows) {
    threads.run([&](int member) {
      const auto a = W4Activations::in(member_scratch(1, bytes), format, rows);
      for (int64_t r = 0; r < rows; ++r) {
        quantize_w4_row(format, x + r * w.K_, w.K_, a.from(format, r));
      }
      const int64_t begin = panels * member / threads.size();
      const int64_t end = panels * (member + 1) / threads.size();
      for (int64_t panel = begin; panel < end; panel += kTilePanels) {
        tile(a, 0, rows, panel, std::min(end, panel + kTilePanels));
      }
    });
    return;
  }

  // Shared by the team until the last tile is done; the caller's scratch, in its own slot.
  const auto a = W4Activations::in(member_scratch(2, bytes), format, rows);
  const int64_t blocks = ceil_div(rows, kTileRows);
  threads.for_each(blocks, [&](int64_t block, int) {
    for (int64_t r = block * kTileRows; r < std::min(rows, (block + 1) * kTileRows); ++r) {
      quantize_w4_row(format, x + r * w.K_, w.K_, a.from(format, r));
    }
  });
  threads.for_each(blocks * ceil_div(panels, kTilePanels), [&](int64_t index, int) {
    const int64_t first = index % blocks * kTileRows;
    const int64_t begin = index / blocks * kTilePanels;
    tile(a, first, std::min(kTileRows, rows - first), begin, std::min(panels, begin + kTilePanels));
  });
}

}  // namespace maie::cpu
