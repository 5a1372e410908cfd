// Linear layers: quantise or convert the rows of x, multiply slice by slice, finish each piece
// (scales, bias, GELU, residual) while it is in cache.
//
// Few rows (decoding): bound by streaming the weights. Each member converts all rows for itself,
// which costs less than a second meeting of the team, and takes every n-th slice. Many rows
// (encoder): bound by arithmetic. Rows are converted once, then (rows x slice) tiles are handed
// out; a tile's accumulators fit in the second-level cache. Numbers: docs/performance.md.

#include "kernels/cpu/linear.h"

#include <algorithm>
#include <numeric>

#include "kernels/cpu/sizes.h"
#include "kernels/cpu/weight_rows.h"

namespace maie::cpu {
namespace {

constexpr int64_t kSliceWidth = 64;  // slices are multiples of oneDNN's column block
constexpr int64_t kWidestSlice = 4096;
constexpr int64_t kFewRows = 16;  // at most: weights are streamed once for all rows
constexpr int64_t kTileRows = 64;
constexpr size_t kTileBytes = 512 << 10;  // accumulators of one tile: half of a common L2

int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

struct Converted {
  const std::byte* rows;
  int64_t stride;  // elements
  const float* scales;
};

void convert_row(GemmType type, const float* x, int64_t K, std::byte* out, float& scale) {
  if (type == GemmType::kI8) {
    scale = quantize_row(x, K, reinterpret_cast<uint8_t*>(out));
  } else {
    round_to_bf16(x, K, 1.0f, reinterpret_cast<uint16_t*>(out));
  }
}

}  // namespace

std::byte* member_scratch(int slot, size_t bytes) {
  thread_local std::array<Buffer, 4> buffers;
  Buffer& buffer = buffers[size_t(slot)];
  if (buffer.size_bytes() < bytes) buffer = Buffer({}, bytes + bytes / 4);
  return buffer.data();
}

PackedLinear PackedLinear::pack(ThreadPool& threads, GemmType type,
                                std::span<const LinearSource> sources) {
  const WeightRows source(sources);
  PackedLinear packed;
  const int64_t N = source.rows();
  const int64_t K = source.columns();
  packed.type_ = type;
  packed.K_ = K;
  packed.N_ = N;

  const int64_t share = (N + threads.size() - 1) / threads.size();
  const int64_t width = std::min(round_up(share, kSliceWidth), kWidestSlice);
  std::vector<size_t> starts;
  size_t total = 0;
  for (int64_t first = 0; first < N; first += width) {
    starts.push_back(total);
    total += (GemmMatrix::packed_bytes(type, K, std::min(width, N - first)) + 63) / 64 * 64;
  }
  packed.storage_ = Buffer({}, total);
  packed.slices_.resize(starts.size());
  if (type == GemmType::kI8) {
    packed.column_scale_.resize(size_t(N));
    packed.offset_.resize(size_t(N));
  }

  threads.for_each(int64_t(starts.size()), [&](int64_t index, int) {
    const int64_t first = index * width;
    const int64_t count = std::min(width, N - first);
    const size_t element_bytes = gemm_element_bytes(type);
    std::vector<std::byte> rows(size_t(count * K) * element_bytes);
    std::vector<float> weights(static_cast<size_t>(K));
    for (int64_t n = 0; n < count; ++n) {
      const int64_t row = first + n;
      std::byte* out = rows.data() + size_t(n * K) * element_bytes;
      switch (type) {
        case GemmType::kF32: source.floats(row, reinterpret_cast<float*>(out)); break;
        case GemmType::kBF16:
          source.floats(row, weights.data());
          round_to_bf16(weights.data(), K, 1.0f, reinterpret_cast<uint16_t*>(out));
          break;
        case GemmType::kI8: {
          auto* q = reinterpret_cast<int8_t*>(out);
          packed.column_scale_[size_t(row)] = source.int8(row, q);
          packed.offset_[size_t(row)] = 128 * std::accumulate(q, q + K, int32_t{0});
          break;
        }
      }
    }
    packed.slices_[size_t(index)] = {
        first,
        GemmMatrix::pack(
            type, K, count,
            {.data = rows.data(), .is_f32 = type == GemmType::kF32, .stride_k = 1, .stride_n = K},
            packed.storage_.data() + starts[size_t(index)])};
  });
  packed.bias_ = source.bias();
  return packed;
}

void linear(ThreadPool& threads, const float* x, int64_t rows, const PackedLinear& w,
            Epilogue epilogue, float* y, int64_t stride) {
  if (rows == 0 || w.N_ == 0) return;
  const int64_t K = w.K_;
  const GemmType type = w.type_;
  const size_t element_bytes = gemm_element_bytes(type);
  const bool converts = type != GemmType::kF32;

  // One tile: rows [first, first+count) of the converted x times one slice, finished into y.
  const auto tile = [&](const Converted& a, int64_t first, int64_t count,
                        const PackedLinear::Slice& slice) {
    const int64_t width = slice.matrix.N();
    std::byte* acc = member_scratch(0, size_t(count * width) * 4);
    gemm(slice.matrix, a.rows + size_t(first * a.stride) * element_bytes, a.stride, count, acc,
         width);
    const float* bias = w.bias_.empty() ? nullptr : w.bias_.data() + slice.first;
    for (int64_t r = 0; r < count; ++r) {
      float* out = y + (first + r) * stride + slice.first;
      if (type == GemmType::kI8) {
        finish_i8(reinterpret_cast<const int32_t*>(acc) + r * width, w.offset_.data() + slice.first,
                  a.scales[first + r], w.column_scale_.data() + slice.first, bias, width, epilogue,
                  out);
      } else {
        finish_f32(reinterpret_cast<const float*>(acc) + r * width, bias, width, epilogue, out);
      }
    }
  };

  if (rows <= kFewRows) {
    threads.run([&](int member) {
      Converted a{reinterpret_cast<const std::byte*>(x), K, nullptr};
      float scales[kFewRows];
      if (converts) {
        std::byte* own = member_scratch(1, size_t(rows * K) * element_bytes);
        for (int64_t r = 0; r < rows; ++r) {
          convert_row(type, x + r * K, K, own + size_t(r * K) * element_bytes, scales[r]);
        }
        a = {own, K, scales};
      }
      for (size_t i = size_t(member); i < w.slices_.size(); i += size_t(threads.size())) {
        tile(a, 0, rows, w.slices_[i]);
      }
    });
    return;
  }

  Converted a{reinterpret_cast<const std::byte*>(x), K, nullptr};
  if (converts) {
    // Shared by the team until the last tile is done; the caller's scratch, in its own slots.
    std::byte* own = member_scratch(2, size_t(rows * K) * element_bytes);
    auto* scales = reinterpret_cast<float*>(member_scratch(3, size_t(rows) * sizeof(float)));
    const int64_t blocks = (rows + kTileRows - 1) / kTileRows;
    threads.for_each(blocks, [&](int64_t block, int) {
      for (int64_t r = block * kTileRows; r < std::min(rows, (block + 1) * kTileRows); ++r) {
        convert_row(type, x + r * K, K, own + size_t(r * K) * element_bytes, scales[r]);
      }
    });
    a = {own, K, scales};
  }
  const int64_t widest = w.slices_.front().matrix.N();
  const int64_t fit = int64_t(kTileBytes) / (widest * 4) / 16 * 16;
  const int64_t tile_rows = std::clamp<int64_t>(fit, 16, kTileRows);
  const int64_t row_tiles = (rows + tile_rows - 1) / tile_rows;
  threads.for_each(row_tiles * int64_t(w.slices_.size()), [&](int64_t index, int) {
    const int64_t first = index % row_tiles * tile_rows;
    tile(a, first, std::min(tile_rows, rows - first), w.slices_[size_t(index / row_tiles)]);
  });
}

}  // namespace maie::cpu
