#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace maie {
namespace {

// All 65,536 halves: their value by the definition of the format, in double.
double half_by_definition(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return fraction ? std::nan("") : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(Half, EveryBitPatternConvertsToItsValueAndBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    Half half;
    half.bits = uint16_t(bits);
    const double want = half_by_definition(uint16_t(bits));
    const float got = float(half);
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(got));
      EXPECT_TRUE(std::isnan(float(Half(got))));
    } else {
      EXPECT_EQ(double(got), want) << bits;
      EXPECT_EQ(Half(got).bits, bits);
    }
  }
}

TEST(Half, RoundsToNearestEven) {
  EXPECT_EQ(float(Half(1.0f + 0x1p-11f)), 1.0f);                // half way, even below
  EXPECT_EQ(float(Half(1.0f + 3 * 0x1p-11f)), 1.0f + 0x1p-9f);  // half way, even above
  EXPECT_EQ(float(Half(65519.0f)), 65504.0f);
  EXPECT_TRUE(std::isinf(float(Half(65520.0f))));
  EXPECT_EQ(float(Half(0x1p-25f)), 0.0f);
  EXPECT_EQ(float(Half(0x1.8p-25f)), 0x1p-24f);
}

TEST(BFloat16, RoundsToNearestEvenAndKeepsNaN) {
  EXPECT_EQ(float(BFloat16(1.0f)), 1.0f);
  EXPECT_EQ(float(BFloat16(1.0f + 0x1p-8f)), 1.0f);
  EXPECT_EQ(float(BFloat16(1.0f + 3 * 0x1p-8f)), 1.0f + 0x1p-6f);
  EXPECT_TRUE(std::isnan(float(BFloat16(std::nanf("")))));
  EXPECT_TRUE(std::isinf(float(BFloat16(std::numeric_limits<float>::max()))));
}

TEST(ComputeType, NamesRoundTrip) {
  EXPECT_EQ(parse_compute_type("int8"), ComputeType::kInt8);
  EXPECT_EQ(parse_compute_type("int4"), ComputeType::kInt4);
  EXPECT_EQ(to_string(ComputeType::kInt4), "int4");
  EXPECT_EQ(to_string(ComputeType::kBFloat16), "bfloat16");
  EXPECT_FALSE(parse_compute_type("int9"));
}

}  // namespace
}  // namespace maie
