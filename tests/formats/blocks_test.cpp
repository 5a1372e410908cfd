#include "formats/blocks.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "formats/safetensors.h"

namespace maie::formats {
namespace {

class Blocks : public testing::TestWithParam<BlockType> {};

// The values were worked out in doubles by NumPy (tests/golden/formats/make_models.py), which
// agreed with ggml's own dequantiser.
TEST_P(Blocks, AreTheReferenceValuesBitForBit) {
  const auto golden = Safetensors::open(MAIE_SOURCE_DIR "/tests/golden/formats/blocks.safetensors");
  ASSERT_TRUE(golden.has_value()) << golden.error().message();
  const std::string name(to_string(GetParam()));
  const ConstTensor* bytes = (*golden)->find(name + ".bytes");
  const ConstTensor* values = (*golden)->find(name + ".values");
  ASSERT_TRUE(bytes != nullptr && values != nullptr);
  ASSERT_EQ(size_t(bytes->dim(1)), block_bytes(GetParam()));

  std::vector<float> got(size_t(values->size()), NAN);
  dequantize(GetParam(), {static_cast<const std::byte*>(bytes->raw()), bytes->size_bytes()}, got);
  const auto want = values->span<float>();
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(want[i]))
        << i << ": " << got[i] << " " << want[i];
  }
}

TEST_P(Blocks, MayLieAtAnyAddress) {
  std::vector<std::byte> bytes(block_bytes(GetParam()) * 3 + 1);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::byte(i * 37 % 60);
  std::vector<std::byte> shifted(bytes.begin() + 1, bytes.end());
  std::vector<float> odd(96), even(96);
  dequantize(GetParam(), std::span(bytes).subspan(1), odd);
  dequantize(GetParam(), shifted, even);
  EXPECT_EQ(odd, even);
}

TEST_P(Blocks, AreWhole) {
  std::vector<std::byte> bytes(block_bytes(GetParam()) + 1);
  std::vector<float> values(32);
  EXPECT_THROW(dequantize(GetParam(), bytes, values), ContractError);
  bytes.pop_back();
  values.pop_back();
  EXPECT_THROW(dequantize(GetParam(), bytes, values), ContractError);
}

INSTANTIATE_TEST_SUITE_P(EachType, Blocks,
                         testing::Values(BlockType::kQ4_0, BlockType::kQ4_1, BlockType::kQ5_0,
                                         BlockType::kQ5_1, BlockType::kQ8_0),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST(PlainBlocks, AreFloatsAndHalves) {
  const uint16_t halves[] = {0x3c00, 0xc000, 0x0001, 0x7bff};
  std::vector<float> values(4);
  dequantize(BlockType::kF16, std::as_bytes(std::span(halves)), values);
  EXPECT_EQ(values, (std::vector<float>{1, -2, 0x1p-24f, 65504}));
  const float floats[] = {1.5f, -3};
  values.resize(2);
  dequantize(BlockType::kF32, std::as_bytes(std::span(floats)), values);
  EXPECT_EQ(values, (std::vector<float>{1.5f, -3}));
}

TEST(BlockTypes, AreKnownByTheirNumber) {
  EXPECT_EQ(block_type(8), BlockType::kQ8_0);
  EXPECT_EQ(block_type(6), BlockType::kQ5_0);
  EXPECT_FALSE(block_type(4).has_value());
  EXPECT_FALSE(block_type(12).has_value());
}

}  // namespace
}  // namespace maie::formats
