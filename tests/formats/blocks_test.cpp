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

void expect_reference_values(const std::string& file, BlockType type) {
  const auto golden = Safetensors::open(MAIE_SOURCE_DIR "/tests/golden/formats/" + file);
  ASSERT_TRUE(golden.has_value()) << golden.error().message();
  const std::string name(to_string(type));
  const ConstTensor* bytes = (*golden)->find(name + ".bytes");
  const ConstTensor* values = (*golden)->find(name + ".values");
  ASSERT_TRUE(bytes != nullptr && values != nullptr);
  ASSERT_EQ(size_t(bytes->dim(1)), block_bytes(type));
  ASSERT_EQ(size_t(values->size()), size_t(bytes->dim(0)) * block_values(type));

  std::vector<float> got(size_t(values->size()), NAN);
  dequantize(type, {static_cast<const std::byte*>(bytes->raw()), bytes->size_bytes()}, got);
  const auto want = values->span<float>();
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(want[i]))
        << i << ": " << got[i] << " " << want[i];
  }
}

// Worked out in doubles by NumPy (tests/golden/formats/make_models.py).
class SmallBlocks : public testing::TestWithParam<BlockType> {};
TEST_P(SmallBlocks, AreTheReferenceValuesBitForBit) {
  expect_reference_values("blocks.safetensors", GetParam());
}
INSTANTIATE_TEST_SUITE_P(EachType, SmallBlocks,
                         testing::Values(BlockType::kQ4_0, BlockType::kQ4_1, BlockType::kQ5_0,
                                         BlockType::kQ5_1, BlockType::kQ8_0),
                         [](const auto& info) { return std::string(to_string(info.param)); });

// Random bytes with extreme scales, dequantised by the `gguf` package (make_gguf_blocks.py there).
TEST_P(Blocks, AreWhatTheGgufPackageGivesBitForBit) {
  expect_reference_values("gguf_blocks.safetensors", GetParam());
}

TEST_P(Blocks, MayLieAtAnyAddress) {
  std::vector<std::byte> bytes(block_bytes(GetParam()) * 3 + 1);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::byte(i * 37 % 60);
  std::vector<std::byte> shifted(bytes.begin() + 1, bytes.end());
  std::vector<float> odd(3 * block_values(GetParam())), even(odd.size());
  dequantize(GetParam(), std::span(bytes).subspan(1), odd);
  dequantize(GetParam(), shifted, even);
  EXPECT_EQ(odd, even);
}

TEST_P(Blocks, AreWhole) {
  std::vector<std::byte> bytes(block_bytes(GetParam()) + 1);
  std::vector<float> values(block_values(GetParam()));
  EXPECT_THROW(dequantize(GetParam(), bytes, values), ContractError);
  bytes.pop_back();
  values.pop_back();
  EXPECT_THROW(dequantize(GetParam(), bytes, values), ContractError);
}

INSTANTIATE_TEST_SUITE_P(EachType, Blocks,
                         testing::Values(BlockType::kF16, BlockType::kBF16, BlockType::kQ4_0,
                                         BlockType::kQ4_1, BlockType::kQ5_0, BlockType::kQ5_1,
                                         BlockType::kQ8_0, BlockType::kQ4_K, BlockType::kQ5_K,
                                         BlockType::kQ6_K),
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
  EXPECT_FALSE(block_type(10).has_value());
  EXPECT_EQ(block_type_name(10), "q2_K");
  EXPECT_EQ(block_type_name(14), "q6_K");
  EXPECT_EQ(block_type_name(77), "ggml type 77");
}

}  // namespace
}  // namespace maie::formats
