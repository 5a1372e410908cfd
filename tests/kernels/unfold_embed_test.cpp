#include <gtest/gtest.h>

#include <vector>

#include "kernels/cpu/embed.h"
#include "kernels/cpu/unfold.h"
#include "kernels/reference/unfold.h"
#include "tests/kernels/closeness.h"

namespace maie::cpu {
namespace {

using maie::testing::close;
using maie::testing::kUnit;
using maie::testing::random_tensor;
using maie::testing::same_bits;
using maie::testing::unwritten;

TEST(Unfold, CopiesTheVeryBits) {
  for (const int members : {1, 2, 3}) {
    ThreadPool threads(members);
    for (const int64_t T : {1, 2, 3, 63, 64, 65, 130}) {
      for (const int64_t C : {1, 3, 33}) {
        for (const int64_t kernel : {1, 2, 3, 5}) {
          for (const int64_t stride : {1, 2, 3}) {
            for (const int64_t pad : {0, 1, 2}) {
              if (T + 2 * pad < kernel) continue;
              const int64_t windows = (T + 2 * pad - kernel) / stride + 1;
              const OwnedTensor x = random_tensor({2, T, C}, 1, 1);
              const OwnedTensor y = unwritten({2, windows, C * kernel}),
                                want = unwritten({2, windows, C * kernel});
              reference::unfold(x.view(), kernel, stride, pad, want.view());
              unfold(threads, x.view().data<float>(), 2, T, C, kernel, stride, pad, windows,
                     y.view().data<float>());
              ASSERT_TRUE(same_bits(y.view().span<float>(), want.view().span<float>()))
                  << T << " " << C << " " << kernel << " " << stride << " " << pad;
            }
          }
        }
      }
    }
  }
}

TEST(Embed, AddsTheRowsOfEveryStoredType) {
  constexpr int64_t kV = 11, kC = 33, kP = 5;
  const OwnedTensor floats = random_tensor({kV, kC}, 1, 1),
                    positions = random_tensor({kP, kC}, 1, 2);
  const OwnedTensor scales = random_tensor({kV}, 1, 3);
  for (float& scale : scales.view().span<float>()) scale = 50 + 10 * scale;
  const std::vector<int> ids = {0, 10, 3, 3}, at = {4, 0, 2, 2};
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16, DType::kI8}) {
    OwnedTensor table({}, type, {kV, kC});
    std::vector<float> want;
    for (int64_t i = 0; i < kV * kC; ++i) {
      const float value = floats.view().data<float>()[i];
      if (type == DType::kF32) table.view().data<float>()[i] = value;
      if (type == DType::kF16) table.view().data<Half>()[i] = Half(value);
      if (type == DType::kBF16) table.view().data<BFloat16>()[i] = BFloat16(value);
      if (type == DType::kI8) table.view().data<int8_t>()[i] = int8_t(value * 127);
    }
    for (size_t r = 0; r < ids.size(); ++r) {
      for (int64_t c = 0; c < kC; ++c) {
        const int64_t i = ids[r] * kC + c;
        double value = 0;
        if (type == DType::kF32) value = double(table.view().data<float>()[i]);
        if (type == DType::kF16) value = double(float(table.view().data<Half>()[i]));
        if (type == DType::kBF16) value = double(float(table.view().data<BFloat16>()[i]));
        if (type == DType::kI8) {
          value =
              double(table.view().data<int8_t>()[i]) / double(scales.view().data<float>()[ids[r]]);
        }
        want.push_back(float(value + double(positions.view().data<float>()[at[r] * kC + c])));
      }
    }
    const OwnedTensor y = unwritten({4, kC});
    embed(ids, at, table.view(), scales.view(), positions.view().data<float>(), kC,
          y.view().data<float>());
    EXPECT_TRUE(close(y.view().span<float>(), want, 16 * kUnit)) << to_string(type);  // |row| < 4
  }
}

}  // namespace
}  // namespace maie::cpu
