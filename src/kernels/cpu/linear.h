#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/threads.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/rows.h"
#include "tensor/linear_source.h"

namespace maie::cpu {

/// Weights of a linear layer, packed for `linear`. N is cut into slices of columns, at least one
/// per member of the team, each packed on its own, so that a product of few rows streams every
/// slice once on its own core. Immutable after `pack`.
class PackedLinear {
 public:
  /// Sources of one width, stacked, in whatever form; 8-bit values are kept when `type` is kI8.
  static PackedLinear pack(ThreadPool& threads, GemmType type,
                           std::span<const LinearSource> sources);
  /// One source. @param values [N, K]. @param scales [N] with int8 values. @param bias [N] or none.
  static PackedLinear pack(ThreadPool& threads, GemmType type, ConstTensor values,
                           ConstTensor scales, ConstTensor bias) {
    const LinearSource source{.values = values, .scales = scales, .bias = bias};
    return pack(threads, type, std::span(&source, 1));
  }

  int64_t in() const { return K_; }
  int64_t out() const { return N_; }
  size_t size_bytes() const { return storage_.size_bytes(); }

  struct Slice {
    int64_t first;  ///< column of the output
    GemmMatrix matrix;
  };

 private:
  friend void linear(ThreadPool&, const float*, int64_t, const PackedLinear&, Epilogue, float*,
                     int64_t);
  GemmType type_ = GemmType::kF32;
  int64_t K_ = 0;
  int64_t N_ = 0;
  Buffer storage_;
  std::vector<Slice> slices_;
  std::vector<float> bias_;          // [N] or empty
  std::vector<float> column_scale_;  // [N], kI8: value -> weight
  std::vector<int32_t> offset_;      // [N], kI8: 128 * column sum
};

/// y [rows, N] = epilogue(x [rows, K] Wᵀ + b), its rows `stride` floats apart. x and y must not
/// overlap.
void linear(ThreadPool& threads, const float* x, int64_t rows, const PackedLinear& w,
            Epilogue epilogue, float* y, int64_t stride);
inline void linear(ThreadPool& threads, const float* x, int64_t rows, const PackedLinear& w,
                   Epilogue epilogue, float* y) {
  linear(threads, x, rows, w, epilogue, y, w.out());
}

/// Scratch of one member of the team, kept between calls: at least `bytes`, aligned to 64.
/// `slot` tells apart buffers alive at the same time.
std::byte* member_scratch(int slot, size_t bytes);

}  // namespace maie::cpu
