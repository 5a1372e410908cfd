#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <span>

#include "tensor/tensor.h"

// What tests of kernels share: comparisons that fail unless closeness is proven, and inputs.

namespace maie::testing {

/// Unit roundoff of float: the largest relative error of one operation.
constexpr double kUnit = 0x1p-24;

/// What a float sum of `terms` products may be off, relative to the sum of their magnitudes S.
/// Each of the K partial sums is rounded by at most u times itself, and no partial sum exceeds S.
/// Those roundings have no common sign, so they add up like sqrt(K): with errors uniform in ±u and
/// partial sums growing evenly to S their deviation is u S sqrt(K) / 3. Six deviations, and two
/// operations for what surrounds the sum.
inline double sum_error(int64_t terms) { return kUnit * (2 + 2 * std::sqrt(double(terms))); }

/// True when `got` is proven to lie within `tolerance` of `want`. Infinities must be equal, and a
/// NaN is close to nothing.
inline bool is_close(float got, float want, double tolerance) {
  if (std::isinf(got) || std::isinf(want)) return got == want;
  return std::abs(double(got) - double(want)) <= tolerance;
}

/// `is_close` for all elements, with a tolerance for each; names the element that is worst off.
inline ::testing::AssertionResult close(std::span<const float> got, std::span<const float> want,
                                        const std::function<double(size_t)>& tolerance) {
  if (got.size() != want.size()) {
    return ::testing::AssertionFailure() << got.size() << " elements, not " << want.size();
  }
  size_t failures = 0, worst = 0;
  double most = -1;
  for (size_t i = 0; i < got.size(); ++i) {
    const double allowed = tolerance(i);
    if (is_close(got[i], want[i], allowed)) continue;
    ++failures;
    double excess = std::abs(double(got[i]) - double(want[i])) / allowed;
    if (std::isnan(excess)) excess = std::numeric_limits<double>::infinity();
    if (excess > most) {
      most = excess;
      worst = i;
    }
  }
  if (failures == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << failures << " of " << got.size() << " elements are off; [" << worst << "] is "
         << got[worst] << ", not " << want[worst] << ", allowed " << tolerance(worst);
}

inline ::testing::AssertionResult close(std::span<const float> got, std::span<const float> want,
                                        double tolerance) {
  return close(got, want, [tolerance](size_t) { return tolerance; });
}

inline ::testing::AssertionResult close(ConstTensor got, ConstTensor want, double tolerance) {
  return close(got.span<float>(), want.span<float>(), tolerance);
}

/// Equality of every bit, NaN included.
inline ::testing::AssertionResult same_bits(std::span<const float> got,
                                            std::span<const float> want) {
  if (got.size() != want.size()) {
    return ::testing::AssertionFailure() << got.size() << " elements, not " << want.size();
  }
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::bit_cast<uint32_t>(got[i]) != std::bit_cast<uint32_t>(want[i])) {
      return ::testing::AssertionFailure() << "[" << i << "] is " << got[i] << ", not " << want[i];
    }
  }
  return ::testing::AssertionSuccess();
}

inline double max_abs(std::span<const float> values) {
  double most = 0;
  for (const float value : values) most = std::max(most, std::abs(double(value)));
  return most;
}

/// Root of the mean squared error, in units of the root mean square of `want`. Infinite when
/// anything is not a number.
inline double relative_error(ConstTensor got, ConstTensor want) {
  double error = 0, size = 0;
  for (int64_t i = 0; i < want.size(); ++i) {
    const double difference = double(got.data<float>()[i]) - double(want.data<float>()[i]);
    error += difference * difference;
    size += double(want.data<float>()[i]) * double(want.data<float>()[i]);
  }
  const double relative = std::sqrt(error / size);
  return std::isfinite(relative) ? relative : std::numeric_limits<double>::infinity();
}

/// Uniform in (-scale, scale), the same on every machine.
inline OwnedTensor random_tensor(const Shape& shape, float scale, uint32_t seed) {
  OwnedTensor tensor({}, DType::kF32, shape);
  std::mt19937 random(seed);
  for (float& value : tensor.view().span<float>()) {
    value = scale * (float(random() >> 8) * 0x1p-23f - 1.0f);
  }
  return tensor;
}

/// An output nobody has written yet: all NaN, so that a skipped write shows.
inline OwnedTensor unwritten(const Shape& shape) {
  OwnedTensor tensor({}, DType::kF32, shape);
  for (float& value : tensor.view().span<float>()) value = std::numeric_limits<float>::quiet_NaN();
  return tensor;
}

inline OwnedTensor copy_of(ConstTensor from) {
  OwnedTensor tensor({}, from.dtype(), from.shape());
  std::copy_n(static_cast<const std::byte*>(from.raw()), from.size_bytes(),
              static_cast<std::byte*>(tensor.view().raw()));
  return tensor;
}

}  // namespace maie::testing
