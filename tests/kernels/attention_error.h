#pragma once

#include <cmath>
#include <cstdint>

#include "tests/kernels/closeness.h"

namespace maie::testing {

/// How far the output of attention may be off. A score is off by `relative` times the largest
/// |q||k| sum it may be made of, which the exponential turns into a relative error of its weight,
/// twice (weight and norm); the mixing of values |v| <= V adds its own sum.
///   scores: sum_error(D) Σ|q k| / sqrt(D), weights: 2e-7, mixing: sum_error(T)
/// and the rounding of operands to `operand` (2^-9 for bfloat16: q, k, p and v) on top.
inline double attention_error(int64_t D, int64_t T, double q, double k, double v,
                              double operand = 0) {
  const double magnitude = q * k * std::sqrt(double(D));
  // Roundings of operands are independent of each other, so in a dot product of D they grow like
  // the root: q k sqrt(D) / sqrt(D), times 3 for three deviations of uniform errors.
  const double score = sum_error(D) * magnitude + 3 * operand * q * k;
  return v * (2 * score + 4e-7 + sum_error(T) + 2 * operand);
}

}  // namespace maie::testing
