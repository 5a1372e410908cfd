#include "kernels/cpu/rows.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/reference/gelu.h"
#include "kernels/reference/layer_norm.h"
#include "tests/kernels/closeness.h"

namespace maie::cpu {
namespace {

using maie::testing::close;
using maie::testing::copy_of;
using maie::testing::kUnit;
using maie::testing::random_tensor;
using maie::testing::same_bits;
using maie::testing::sum_error;
using maie::testing::unwritten;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
const std::vector<int64_t> kWidths = {0,  1,  2,  3,  7,  8,  9,  15,  16,
                                      17, 31, 32, 33, 63, 64, 65, 768, 1280};

// ---- quantize_row

void expect_quantized_like_reference(const std::vector<float>& x) {
  std::vector<uint8_t> q(x.size() + 1, 77);
  const float back = quantize_row(x.data(), int64_t(x.size()), q.data());
  float most = 0;
  for (const float value : x) most = std::max(most, std::abs(value));
  const float scale = most > 0 ? 127.0f / most : 0.0f;
  EXPECT_FLOAT_EQ(back, most / 127.0f) << x.size();
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(int(q[i]) - 128, int(std::nearbyint(x[i] * scale)))
        << "element " << i << " of " << x.size();
  }
  EXPECT_EQ(q.back(), 77) << "wrote past the row of " << x.size();
}

TEST(QuantizeRow, RoundsToNearestEvenInEveryLane) {
  for (const int64_t width : kWidths) {
    std::mt19937 random(uint32_t(width) + 1);
    std::vector<float> x(static_cast<size_t>(width));
    for (float& value : x) value = float(random() >> 8) * 0x1p-23f - 1.0f;
    expect_quantized_like_reference(x);
    // Ties: with 127 as the largest value the scale is 1, and halves stay halves.
    for (size_t i = 0; i < x.size(); ++i) x[i] = float(int(i % 250) - 125) + 0.5f;
    if (!x.empty()) x.back() = 127;
    expect_quantized_like_reference(x);
  }
}

TEST(QuantizeRow, ZerosGiveTheMiddleAndScaleZero) {
  for (const int64_t width : {1, 16, 17, 40}) {
    std::vector<float> x(size_t(width), 0.0f);
    x.back() = -0.0f;
    std::vector<uint8_t> q(x.size(), 3);
    EXPECT_EQ(quantize_row(x.data(), width, q.data()), 0.0f);
    for (const uint8_t value : q) EXPECT_EQ(value, 128);
  }
}

TEST(QuantizeRow, HugeAndTinyRowsKeepTheirShape) {
  for (const float scale : {3e38f, 1e30f, 1e-30f, 4e-37f}) {
    std::vector<float> x;
    for (int i = 0; i < 37; ++i) x.push_back(scale * (float(i - 18) / 18.0f));
    expect_quantized_like_reference(x);
  }
}

// Below 127 / FLT_MAX the scale is no number any more; such a row is as good as zeros.
TEST(QuantizeRow, VanishingRowsStaySmall) {
  for (const float scale : {1e-37f, 1e-40f, 1e-45f}) {
    for (const size_t width : {5, 16, 37}) {
      std::vector<float> x(width, 0.0f);
      x[0] = scale;
      x[width - 1] = -scale;
      std::vector<uint8_t> q(width);
      const float back = quantize_row(x.data(), int64_t(width), q.data());
      ASSERT_TRUE(std::isfinite(back));
      for (size_t i = 0; i < width; ++i) {
        EXPECT_LE(std::abs(float(int(q[i]) - 128) * back - x[i]), 1.01f * scale)
            << scale << " " << i;
      }
    }
  }
}

TEST(QuantizeRow, NonFiniteInputGivesAFiniteFactor) {
  for (const float bad : {kNan, kInf, -kInf}) {
    for (const size_t width : {1, 16, 17, 40}) {
      for (const size_t where : {size_t{0}, width - 1}) {
        std::vector<float> x(width, 0.5f);
        x[where] = bad;
        std::vector<uint8_t> q(width);
        EXPECT_TRUE(std::isfinite(quantize_row(x.data(), int64_t(width), q.data())));
      }
    }
  }
}

// ---- round_to_bf16

TEST(RoundToBf16, RoundsToNearestEvenInEveryLane) {
  std::vector<float> x = {0.0f, -0.0f, 1.0f, -1.0f, 3e38f, -3e38f, 1e-38f, 1e-45f, kInf, -kInf};
  for (const uint32_t low : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
    for (const uint32_t high : {0x3f80u, 0x3f81u, 0xc123u, 0x7f7eu, 0x0001u}) {
      x.push_back(std::bit_cast<float>(high << 16 | low));
    }
  }
  std::mt19937 random(3);
  while (x.size() < 100) x.push_back(float(random()) - 2e9f);
  for (size_t count = 0; count <= x.size(); ++count) {
    std::vector<uint16_t> out(count + 1, 0xabcd);
    round_to_bf16(x.data(), int64_t(count), 1.0f, out.data());
    for (size_t i = 0; i < count; ++i)
      ASSERT_EQ(out[i], BFloat16(x[i]).bits) << x[i] << " of " << count;
    EXPECT_EQ(out.back(), 0xabcd);
  }
  std::vector<uint16_t> scaled(x.size());
  round_to_bf16(x.data(), int64_t(x.size()), 0.125f, scaled.data());
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(scaled[i], BFloat16(x[i] * 0.125f).bits);
}

// ---- epilogues

// Half the distance between 1 and the published error of the erf formula (1.5e-7), the polynomial
// exp (1.2e-7 of a tail that is at most a half), and a handful of roundings.
double gelu_error(double x) { return std::abs(x) * (0.75e-7 + 0.6e-7 + 6 * kUnit) + 1e-37; }

TEST(Gelu, IsAccurateFromVanishingToHuge) {
  std::vector<float> x;
  for (double value = -12; value <= 12; value += 1.0 / 1024) x.push_back(float(value));
  for (const float value : {0.0f, -0.0f, 1e-38f, -1e-38f, 1e-6f, 40.0f, -40.0f, 1e4f, -1e4f, 1e20f,
                            -1e20f, 3e38f, -3e38f, kInf}) {
    x.push_back(value);
  }
  std::vector<float> want;
  for (const float value : x) {
    want.push_back(std::isinf(value) ? value : float(reference::gelu(double(value))));
  }
  std::vector<float> y(x.size(), kNan);
  finish_f32(x.data(), nullptr, int64_t(x.size()), Epilogue::kGelu, y.data());
  // Far below zero GELU itself has vanished, whatever x.
  EXPECT_TRUE(close(y, want, [&](size_t i) {
    return gelu_error(std::max(std::abs(double(want[i])), std::min(16.0, std::abs(double(x[i])))));
  }));
  const float nan[3] = {kNan, 1, kNan};
  float out[3];
  finish_f32(nan, nullptr, 3, Epilogue::kGelu, out);
  EXPECT_TRUE(std::isnan(out[0]) && std::isnan(out[2]) && !std::isnan(out[1]));
}

double after(Epilogue epilogue, double value, double before) {
  switch (epilogue) {
    case Epilogue::kWrite: return value;
    case Epilogue::kGelu: return reference::gelu(value);
    case Epilogue::kRelu: return std::max(value, 0.0);
    case Epilogue::kAdd: return before + value;
  }
  return value;
}
const std::vector<Epilogue> kEpilogues = {Epilogue::kWrite, Epilogue::kGelu, Epilogue::kRelu,
                                          Epilogue::kAdd};

TEST(Finish, Float32MatchesReference) {
  for (const int64_t width : kWidths) {
    const OwnedTensor acc = random_tensor({width}, 4, 1), bias = random_tensor({width}, 1, 2);
    const OwnedTensor before = random_tensor({width}, 2, 3);
    for (const Epilogue epilogue : kEpilogues) {
      for (const bool with_bias : {true, false}) {
        std::vector<float> want, y(size_t(width) + 1, kNan);
        for (int64_t i = 0; i < width; ++i) {
          const double sum = double(acc.view().data<float>()[i]) +
                             (with_bias ? double(bias.view().data<float>()[i]) : 0.0);
          want.push_back(float(after(epilogue, sum, double(before.view().data<float>()[i]))));
        }
        if (epilogue == Epilogue::kAdd) {
          std::copy_n(before.view().data<float>(), width, y.data());
        }
        finish_f32(acc.view().data<float>(), with_bias ? bias.view().data<float>() : nullptr, width,
                   epilogue, y.data());
        // |sum| < 5: its rounding u * 5 passes GELU with a slope below 1.13, then comes GELU's own
        // error.
        EXPECT_TRUE(close(std::span(y).first(size_t(width)), want, 12 * kUnit + gelu_error(5)))
            << width << " epilogue " << int(epilogue);
        EXPECT_TRUE(std::isnan(y.back())) << "wrote past the row";
      }
    }
  }
}

TEST(Finish, Int8MatchesReference) {
  for (const int64_t width : kWidths) {
    std::mt19937 random(5);
    std::vector<int32_t> acc, offset;
    std::vector<float> scale;
    for (int64_t i = 0; i < width; ++i) {
      acc.push_back(int32_t(random() % 2'000'001) - 1'000'000);
      offset.push_back(int32_t(random() % 2'000'001) - 1'000'000);
      scale.push_back(float(random() % 1000 + 1) * 1e-3f);
    }
    const float row_scale = 3e-6f;
    const OwnedTensor bias = random_tensor({width}, 1, 2), before = random_tensor({width}, 2, 3);
    for (const Epilogue epilogue : kEpilogues) {
      for (const bool with_bias : {true, false}) {
        std::vector<float> want, y(size_t(width) + 1, kNan);
        for (int64_t i = 0; i < width; ++i) {
          const double sum = double(acc[size_t(i)] - offset[size_t(i)]) * double(row_scale) *
                                 double(scale[size_t(i)]) +
                             (with_bias ? double(bias.view().data<float>()[i]) : 0.0);
          want.push_back(float(after(epilogue, sum, double(before.view().data<float>()[i]))));
        }
        if (epilogue == Epilogue::kAdd) std::copy_n(before.view().data<float>(), width, y.data());
        finish_i8(acc.data(), offset.data(), row_scale, scale.data(),
                  with_bias ? bias.view().data<float>() : nullptr, width, epilogue, y.data());
        // |sum| < 7: four roundings before the epilogue, as in the test above.
        EXPECT_TRUE(close(std::span(y).first(size_t(width)), want, 40 * kUnit + gelu_error(7)))
            << width << " epilogue " << int(epilogue);
        EXPECT_TRUE(std::isnan(y.back())) << "wrote past the row";
      }
    }
  }
}

// ---- layer norm

TEST(LayerNorm, MatchesReference) {
  for (const int64_t width : kWidths) {
    if (width == 0) continue;
    const OwnedTensor gamma = random_tensor({width}, 2, 1), beta = random_tensor({width}, 1, 2);
    for (const float mean : {0.0f, 100.0f, -3000.0f}) {
      const OwnedTensor x = random_tensor({1, width}, 3, 3);
      for (float& value : x.view().span<float>()) value += mean;
      const OwnedTensor want = unwritten({1, width}), y = unwritten({1, width});
      reference::layer_norm(x.view(), gamma.view(), beta.view(), 1e-5, want.view());
      const float* in = x.view().data<float>();
      layer_norm_row(in, gamma.view().data<float>(), beta.view().data<float>(), width, 1e-5f,
                     y.view().data<float>());
      // The mean is off by a sum's error of |mean|; its effect is divided by the deviation (1.7,
      // for one value sqrt(eps)), as are the errors of x - mean. 2 is the largest gamma, and a
      // normalised value is below sqrt(width).
      const double deviation = width < 8 ? 3.2e-3 : 1.2;
      const double off = sum_error(width) * (std::abs(double(mean)) + 3) / deviation;
      const double tolerance =
          2 * (off + sum_error(width) * std::min(std::sqrt(double(width)), 4.0)) + 4 * kUnit;
      EXPECT_TRUE(close(y.view(), want.view(), tolerance)) << width << " mean " << mean;

      const OwnedTensor in_place = copy_of(x.view());
      float* own = in_place.view().data<float>();
      layer_norm_row(own, gamma.view().data<float>(), beta.view().data<float>(), width, 1e-5f, own);
      EXPECT_TRUE(same_bits(in_place.view().span<float>(), y.view().span<float>())) << width;
    }
  }
}

TEST(LayerNorm, AConstantRowGivesBeta) {
  const std::vector<float> x(37, 5.0f), gamma(37, 2.0f), beta(37, 0.25f);
  std::vector<float> y(37, kNan);
  layer_norm_row(x.data(), gamma.data(), beta.data(), 37, 1e-5f, y.data());
  EXPECT_TRUE(close(y, beta, 37 * kUnit * 5 * 2 / 3.1e-3));
}

// ---- softmax

// exp: 1.2e-7 of the polynomial, a few roundings, and x - max is rounded by u |x - max|, which exp
// turns into a relative error of that size.
double exp_error(double x) { return 1.3e-7 + kUnit * (6 + std::abs(x)); }

void expect_softmax(const std::vector<float>& x) {
  const float most = x.empty() ? 0.0f : *std::max_element(x.begin(), x.end());
  std::vector<float> p(x.size() + 1, kNan), want;
  double total = 0;
  for (const float value : x) {
    const double e = std::exp(double(value) - double(most));
    want.push_back(float(e));
    total += e;
  }
  const float sum = softmax_row(x.data(), int64_t(x.size()), p.data());
  ASSERT_TRUE(close(std::span(p).first(x.size()), want, [&](size_t i) {
    // What is below 2^-126 may become 0.
    if (std::isinf(x[i])) return 0.0;
    return double(want[i]) * exp_error(double(x[i]) - double(most)) + 0x1p-126;
  })) << x.size();
  EXPECT_TRUE(std::isnan(p.back())) << "wrote past the row of " << x.size();
  EXPECT_NEAR(double(sum), total, total * (2e-7 + sum_error(int64_t(x.size()))) + 1e-30);
  std::vector<float> in_place = x;
  EXPECT_EQ(softmax_row(in_place.data(), int64_t(x.size()), in_place.data()), sum);
  EXPECT_TRUE(same_bits(in_place, std::span(p).first(x.size())));

  std::vector<uint16_t> bits(x.size() + 1, 0xabcd);
  const float sum_bf16 = softmax_row_bf16(x.data(), int64_t(x.size()), bits.data());
  double total_bf16 = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    BFloat16 value;
    value.bits = bits[i];
    total_bf16 += double(float(value));
    ASSERT_TRUE(maie::testing::is_close(float(value), p[i], double(p[i]) * 0x1p-8 + 0x1p-126))
        << p[i];
  }
  EXPECT_EQ(bits.back(), 0xabcd);
  EXPECT_NEAR(double(sum_bf16), total_bf16, total_bf16 * sum_error(int64_t(x.size())));
}

TEST(SoftmaxRow, MatchesReferenceForEveryLength) {
  for (int64_t width = 0; width <= 70; ++width) {
    const OwnedTensor x = random_tensor({width}, 20, uint32_t(width));
    expect_softmax({x.view().span<float>().begin(), x.view().span<float>().end()});
  }
  const OwnedTensor wide = random_tensor({1500}, 8, 9);
  expect_softmax({wide.view().span<float>().begin(), wide.view().span<float>().end()});
}

TEST(SoftmaxRow, ForbiddenPositionsGetNothing) {
  for (const size_t width : {1, 5, 16, 17, 33, 50}) {
    for (size_t kept = 0; kept < width; ++kept) {
      std::vector<float> x(width, -kInf);
      x[kept] = 3.0f;
      std::vector<float> p(width, kNan);
      EXPECT_EQ(softmax_row(x.data(), int64_t(width), p.data()), 1.0f);
      for (size_t i = 0; i < width; ++i) EXPECT_EQ(p[i], i == kept ? 1.0f : 0.0f);
    }
  }
}

TEST(SoftmaxRow, ExpIsAccurateOverItsWholeRange) {
  std::vector<float> x = {0.0f};
  for (double value = -110; value < 0; value += 1.0 / 512) x.push_back(float(value));
  for (const float value : {-1e-30f, -1e-7f, -0.34657359f, -0.34657362f, -87.3365f, -87.337f,
                            -104.0f, -1e5f, -3e38f, -kInf}) {
    x.push_back(value);
  }
  expect_softmax(x);
}

// ---- stored halves

TEST(Widen, IsExactForEveryFiniteHalf) {
  std::vector<uint16_t> bits(65536 + 5);  // and a rest
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = uint16_t(i);
  std::vector<float> halves(bits.size()), upper(bits.size());
  widen_f16(bits.data(), int64_t(bits.size()), halves.data());
  widen_bf16(bits.data(), int64_t(bits.size()), upper.data());
  for (size_t i = 0; i < bits.size(); ++i) {
    Half half;
    half.bits = bits[i];
    BFloat16 brain;
    brain.bits = bits[i];
    // Without F16C, Highway reads infinite halves as 65536 and up.
    if (std::isfinite(float(half))) {
      ASSERT_EQ(std::bit_cast<uint32_t>(halves[i]), std::bit_cast<uint32_t>(float(half)))
          << bits[i];
    }
    ASSERT_EQ(std::bit_cast<uint32_t>(upper[i]), std::bit_cast<uint32_t>(float(brain))) << bits[i];
  }
}

TEST(QuantizeWeights, RoundsToNearestEven) {
  for (const int64_t width : kWidths) {
    const OwnedTensor w = random_tensor({width}, 0.3f, uint32_t(width));
    std::vector<int8_t> q(size_t(width) + 1, 77);
    const float most = float(maie::testing::max_abs(w.view().span<float>()));
    EXPECT_FLOAT_EQ(quantize_weights(w.view().data<float>(), width, q.data()), most / 127.0f);
    for (int64_t i = 0; i < width; ++i) {
      ASSERT_EQ(int(q[size_t(i)]), int(std::nearbyint(w.view().data<float>()[i] * (127.0f / most))))
          << i;
    }
    EXPECT_EQ(q.back(), 77);
  }
}

// ---- add, scale

TEST(Rows, AddAndScaleAreExactForEveryLength) {
  for (const int64_t width : kWidths) {
    const OwnedTensor x = random_tensor({width}, 1, 1), before = random_tensor({width}, 1, 2);
    std::vector<float> added(before.view().span<float>().begin(),
                             before.view().span<float>().end());
    std::vector<float> scaled(size_t(width), kNan), want_added, want_scaled;
    for (int64_t i = 0; i < width; ++i) {
      want_added.push_back(before.view().data<float>()[i] + x.view().data<float>()[i]);
      want_scaled.push_back(x.view().data<float>()[i] * 0.3f);
    }
    added.push_back(kNan);
    scaled.push_back(kNan);
    add_row(x.view().data<float>(), width, added.data());
    scale_row(x.view().data<float>(), 0.3f, width, scaled.data());
    EXPECT_TRUE(same_bits(std::span(added).first(size_t(width)), want_added));
    EXPECT_TRUE(same_bits(std::span(scaled).first(size_t(width)), want_scaled));
    EXPECT_TRUE(std::isnan(added.back()) && std::isnan(scaled.back()));
  }
}

}  // namespace
}  // namespace maie::cpu
