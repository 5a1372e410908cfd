#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/threads.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/w4.h"
#include "tensor/linear_source.h"

namespace maie::cpu {

/// Weights of a linear layer in 4 to 6 bits, packed for `linear`: panels of 32 outputs
/// (kernels/cpu/w4.h has their layout). Immutable after `pack`.
class PackedW4 {
 public:
  /// Sources of one width, stacked: codes of as many bits (4, 5 or 6) with the same `group`, or
  /// floats, which become 4 bits with group 32 (see quantize_w4). Panels are read and packed one by
  /// one: no copy of a whole source is made.
  static PackedW4 pack(ThreadPool& threads, int64_t group, std::span<const LinearSource> sources);

  int64_t in() const { return K_; }
  int64_t out() const { return N_; }
  size_t size_bytes() const { return storage_.size_bytes() + factors_.size() * sizeof(float); }
  /// Weights of one output, as the products see them. @param out [K]
  void row(int64_t n, float* out) const;

 private:
  friend void linear(ThreadPool&, const float*, int64_t, const PackedW4&, Epilogue, float*,
                     int64_t);
  W4Format format_;
  int64_t K_ = 0;
  int64_t N_ = 0;
  Buffer storage_;
  std::vector<float> factors_;  // [N rounded up to panels]
  std::vector<float> bias_;     // [N] or empty
};

/// y [rows, N] = epilogue(x [rows, K] Wᵀ + b), its rows `stride` floats apart. x and y must not
/// overlap. Each 128 values of a row of x are quantised to 8 bits on the fly; what follows is the
/// same for every number of rows (kernels/cpu/w4.h): a row's bits do not depend on its company.
void linear(ThreadPool& threads, const float* x, int64_t rows, const PackedW4& w, Epilogue epilogue,
            float* y, int64_t stride);

/// Weights of one output as 4-bit codes around 8 in groups of 32, the last one filled up with
/// zeros: weight = (code - 8) * scale. The scale is a float16, the one of least squared error among
/// a few around max|w| / 8. @param codes [groups * 16]. @param scales [groups]
void quantize_w4(const float* w, int64_t size, uint8_t* codes, float* scales);

}  // namespace maie::cpu
