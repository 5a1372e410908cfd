#include "formats/quantised_matrix.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "base/check.h"
#include "formats/safetensors.h"

namespace maie::formats {
namespace {

class QuantisedBlocks : public testing::TestWithParam<BlockType> {
 protected:
  // The random blocks of make_gguf_blocks.py, two a row, and what the `gguf` package makes of
  // them.
  void SetUp() override {
    const auto opened =
        Safetensors::open(MAIE_SOURCE_DIR "/tests/golden/formats/gguf_blocks.safetensors");
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    file = *opened;
    const std::string name(to_string(GetParam()));
    const ConstTensor raw = *file->get(name + ".bytes");
    bytes = {static_cast<const std::byte*>(raw.raw()), raw.size_bytes()};
    want = file->get(name + ".values")->span<float>();
    rows = raw.dim(0) / 2;
    columns = 2 * int64_t(block_values(GetParam()));
  }
  std::shared_ptr<const Safetensors> file;
  std::span<const std::byte> bytes;
  std::span<const float> want;
  int64_t rows = 0, columns = 0;
};

TEST_P(QuantisedBlocks, KeepEveryValueBitForBit) {
  const auto matrix = from_blocks(GetParam(), bytes, rows, columns);
  ASSERT_TRUE(matrix.has_value()) << matrix.error().message();
  std::vector<float> got(want.size(), NAN);
  dequantize(*matrix, 0, rows, got);
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(want[i]))
        << i << ": " << got[i] << " " << want[i];
  }
  // code * scale + offset, the form products use, is the same number (a zero may have another
  // sign).
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const int64_t g = c / matrix->group;
      const float value =
          float(matrix->code(r, c)) * matrix->scales[size_t(r * matrix->groups() + g)] +
          matrix->offset(r, g);
      ASSERT_EQ(value, want[size_t(r * columns + c)]) << r << " " << c;
    }
  }
}

TEST_P(QuantisedBlocks, GoIntoTheLayoutThatHoldsThem) {
  const auto matrix = from_blocks(GetParam(), bytes, rows, columns);
  ASSERT_TRUE(matrix.has_value());
  EXPECT_EQ(best_layout(*matrix), best_layout(GetParam()));
  const bool four = matrix->bits == 4;
  EXPECT_EQ(best_layout(GetParam()), four                ? StoredLayout::kW4
                                     : matrix->bits == 8 ? StoredLayout::kW8
                                                         : StoredLayout::kW6);
  EXPECT_EQ(w4_group(*matrix), GetParam() == BlockType::kQ6_K ? 16 : 32);
  const auto w4 = to_w4(*matrix);
  ASSERT_EQ(w4.has_value(), four);
  if (four) {
    EXPECT_EQ(w4->group, 32);
    EXPECT_EQ(w4->codes, matrix->codes);
    EXPECT_EQ(w4->scales, matrix->scales);
    EXPECT_EQ(w4->zeros, matrix->zeros);
  }
}

TEST_P(QuantisedBlocks, AreAtMostHalfAStepOffInEightBits) {
  const auto matrix = from_blocks(GetParam(), bytes, rows, columns);
  ASSERT_TRUE(matrix.has_value());
  const auto w8 = to_w8(*matrix);
  ASSERT_TRUE(w8.has_value()) << w8.error().message();
  for (int64_t r = 0; r < rows; ++r) {
    double greatest = 0;
    for (int64_t c = 0; c < columns; ++c) {
      greatest = std::max(greatest, std::abs(double(want[size_t(r * columns + c)])));
    }
    const double step = greatest / 127;
    EXPECT_TRUE(std::abs(double(w8->scales[size_t(r)]) - step) <= step * 1e-6 + 1e-44) << r;
    for (int64_t c = 0; c < columns; ++c) {
      const auto at = size_t(r * columns + c);
      const double got = double(w8->codes[at]) * double(w8->scales[size_t(r)]);
      // Half a step, and a little for the rounding of the scale (subnormal for the least blocks).
      ASSERT_TRUE(std::abs(got - double(want[at])) <= step * 0.5001 + 1e-43) << r << " " << c;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EachType, QuantisedBlocks,
                         testing::Values(BlockType::kQ4_0, BlockType::kQ4_1, BlockType::kQ5_0,
                                         BlockType::kQ5_1, BlockType::kQ8_0, BlockType::kQ4_K,
                                         BlockType::kQ5_K, BlockType::kQ6_K),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST(QuantisedMatrix, KeepsEightBitRowsAsTheyAre) {
  QuantisedMatrix matrix{.rows = 2,
                         .columns = 4,
                         .bits = 8,
                         .group = 4,
                         .zero = QuantisedMatrix::Zero::kCode,
                         .codes = {0, 128, 255, 1, 127, 129, 2, 3},
                         .scales = {0.5f, 3},
                         .zeros = {128, 128}};
  const auto w8 = to_w8(matrix);
  ASSERT_TRUE(w8.has_value());
  EXPECT_EQ(w8->codes, (std::vector<int8_t>{-128, 0, 127, -127, -1, 1, -126, -125}));
  EXPECT_EQ(w8->scales, matrix.scales);
  matrix.zeros[1] = 127;  // no longer symmetric: rounded anew
  EXPECT_NE(to_w8(matrix)->scales, matrix.scales);
}

TEST(QuantisedMatrix, RepeatsTheScalesOfLargerGroups) {
  QuantisedMatrix matrix{.rows = 2,
                         .columns = 192,
                         .bits = 4,
                         .group = 192,
                         .zero = QuantisedMatrix::Zero::kCode,
                         .codes = {},
                         .scales = {0.5f, 3},
                         .zeros = {7, 9}};
  matrix.codes.resize(192, 0x5a);
  const auto w4 = to_w4(matrix);
  ASSERT_TRUE(w4.has_value());
  EXPECT_EQ(w4->group, 64);
  EXPECT_EQ(w4->scales, (std::vector<float>{0.5f, 0.5f, 0.5f, 3, 3, 3}));
  EXPECT_EQ(w4->zeros, (std::vector<float>{7, 7, 7, 9, 9, 9}));
}

TEST(QuantisedMatrix, RefusesScalesThatAreNoNumbers) {
  std::vector<std::byte> block(block_bytes(BlockType::kQ4_0));
  block[1] = std::byte{0x7c};  // infinity
  EXPECT_EQ(from_blocks(BlockType::kQ4_0, block, 1, 32).status().code(), Code::kCorrupt);
  EXPECT_THROW((void)from_blocks(BlockType::kF32, block, 1, 32), ContractError);
  EXPECT_THROW((void)from_blocks(BlockType::kQ4_0, block, 2, 32), ContractError);
  QuantisedMatrix huge{.rows = 1,
                       .columns = 2,
                       .bits = 8,
                       .group = 2,
                       .zero = QuantisedMatrix::Zero::kCode,
                       .codes = {255, 0},
                       .scales = {3e38f},
                       .zeros = {0}};
  EXPECT_EQ(to_w8(huge).status().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace maie::formats
