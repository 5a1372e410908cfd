#include "ops/lstm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernels/reference/lstm.h"

namespace maie {
namespace {

OwnedTensor random_tensor(Shape shape, float scale, uint32_t seed) {
  OwnedTensor tensor({}, DType::kF32, shape);
  std::mt19937 random(seed);
  for (float& value : tensor.view().span<float>()) {
    value = scale * (float(random() % 20001) / 10000.0f - 1.0f);
  }
  return tensor;
}

float max_difference(ConstTensor got, ConstTensor want) {
  float worst = 0;
  for (int64_t i = 0; i < got.size(); ++i) {
    const float difference = std::abs(got.data<float>()[i] - want.data<float>()[i]);
    if (!(difference <= worst)) worst = difference;  // NaN stays
    if (std::isnan(worst)) return worst;
  }
  return worst;
}

// Float sums of H products below 1 and a saturating update: errors do not grow with the steps.
TEST(Lstm, MatchesReferenceForAwkwardSizes) {
  ThreadPool threads(1);
  Stream s(threads);
  for (const int64_t H : {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 128, 130}) {
    for (const int64_t T : {0, 1, 2, 50}) {
      const OwnedTensor projected = random_tensor({T, 4 * H}, 3.0f, 1);
      const OwnedTensor w = random_tensor({4 * H, H}, 2.0f / std::sqrt(float(H)), 2);
      OwnedTensor h = random_tensor({H}, 1.0f, 3), c = random_tensor({H}, 2.0f, 4);
      OwnedTensor want_h = random_tensor({H}, 1.0f, 3), want_c = random_tensor({H}, 2.0f, 4);
      OwnedTensor y({}, DType::kF32, {T, H}), want_y({}, DType::kF32, {T, H});
      for (float& value : y.view().span<float>()) value = std::numeric_limits<float>::quiet_NaN();

      const ops::LstmWeights packed = ops::LstmWeights::pack(s, w.view());
      ops::lstm(s, projected.view(), packed, h.view(), c.view(), y.view());
      reference::lstm(projected.view(), w.view(), want_h.view(), want_c.view(), want_y.view());
      EXPECT_LE(max_difference(y.view(), want_y.view()), 1e-5f) << H << " units, " << T << " steps";
      EXPECT_LE(max_difference(h.view(), want_h.view()), 1e-5f) << H << " units, " << T << " steps";
      EXPECT_LE(max_difference(c.view(), want_c.view()), 1e-5f) << H << " units, " << T << " steps";
    }
  }
}

TEST(Lstm, GatesSaturateWithoutNan) {
  ThreadPool threads(1);
  Stream s(threads);
  const int64_t H = 16;
  OwnedTensor projected({}, DType::kF32, {3, 4 * H});
  auto values = projected.view().span<float>();
  const float extremes[] = {1e4f, -1e4f, 88.0f, -88.0f, 3e38f, -3e38f, 0.0f, 1e-30f};
  for (size_t i = 0; i < values.size(); ++i) values[i] = extremes[(i * 5 + i / 8) % 8];
  const OwnedTensor w = random_tensor({4 * H, H}, 0.1f, 5);
  OwnedTensor h = random_tensor({H}, 0, 1), c = random_tensor({H}, 0, 1);
  OwnedTensor want_h = random_tensor({H}, 0, 1), want_c = random_tensor({H}, 0, 1);
  OwnedTensor y({}, DType::kF32, {3, H}), want_y({}, DType::kF32, {3, H});
  ops::lstm(s, projected.view(), ops::LstmWeights::pack(s, w.view()), h.view(), c.view(), y.view());
  reference::lstm(projected.view(), w.view(), want_h.view(), want_c.view(), want_y.view());
  EXPECT_LE(max_difference(y.view(), want_y.view()), 1e-6f);
  EXPECT_LE(max_difference(c.view(), want_c.view()), 1e-6f);
}

TEST(Lstm, SplitCallsGiveTheSameBytes) {
  ThreadPool threads(1);
  Stream s(threads);
  const int64_t H = 128, T = 20;
  const OwnedTensor projected = random_tensor({T, 4 * H}, 2.0f, 1);
  const OwnedTensor w = random_tensor({4 * H, H}, 0.2f, 2);
  const ops::LstmWeights packed = ops::LstmWeights::pack(s, w.view());
  OwnedTensor h1 = random_tensor({H}, 1, 3), c1 = random_tensor({H}, 1, 4);
  OwnedTensor h2 = random_tensor({H}, 1, 3), c2 = random_tensor({H}, 1, 4);
  OwnedTensor whole({}, DType::kF32, {T, H}), parts({}, DType::kF32, {T, H});
  ops::lstm(s, projected.view(), packed, h1.view(), c1.view(), whole.view());
  for (const auto& [first, count] : {std::pair<int64_t, int64_t>{0, 1}, {1, 12}, {13, 7}}) {
    ops::lstm(s, projected.view().rows(first, count), packed, h2.view(), c2.view(),
              parts.view().rows(first, count));
  }
  EXPECT_EQ(max_difference(parts.view(), whole.view()), 0.0f);
  EXPECT_EQ(max_difference(c2.view(), c1.view()), 0.0f);
}

TEST(Lstm, RefusesWrongShapes) {
  ThreadPool threads(1);
  Stream s(threads);
  const OwnedTensor w = random_tensor({32, 8}, 1, 1), square = random_tensor({8, 8}, 1, 1);
  EXPECT_THROW((void)ops::LstmWeights::pack(s, square.view()), ContractError);
  const ops::LstmWeights packed = ops::LstmWeights::pack(s, w.view());
  OwnedTensor x = random_tensor({2, 32}, 1, 1), h = random_tensor({8}, 1, 1),
              c = random_tensor({8}, 1, 1);
  OwnedTensor y = random_tensor({2, 8}, 1, 1), short_y = random_tensor({1, 8}, 1, 1);
  EXPECT_THROW(ops::lstm(s, x.view(), packed, h.view(), c.view(), short_y.view()), ContractError);
  EXPECT_THROW(ops::lstm(s, y.view(), packed, h.view(), c.view(), y.view()), ContractError);
  EXPECT_THROW(ops::lstm(s, x.view(), packed, y.view(), c.view(), y.view()), ContractError);
}

}  // namespace
}  // namespace maie
