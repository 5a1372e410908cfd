// The models with random weights that other tests and the benchmarks stand on.
#include "tests/support/random_gguf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "formats/gguf.h"
#include "tests/formats/hostile.h"

namespace maie::formats {
namespace {

using support::GgufModelShape;
using support::GgufWriter;

std::string model(const GgufModelShape& shape) {
  GgufWriter file;
  support::add_random_model(file, shape);
  return file.bytes();
}

class RandomGguf : public testing::TestWithParam<BlockType> {};

TEST_P(RandomGguf, HasWeightsOfTheDeviationItPromises) {
  GgufModelShape shape;
  shape.type = GetParam();
  const std::string bytes = model(shape);
  const auto file = Gguf::parse(as_bytes(bytes), "r.gguf");
  ASSERT_TRUE(file.has_value()) << file.error().message();
  const GgufTensor* down = (*file)->find("blk.1.ffn_down.weight");
  ASSERT_NE(down, nullptr);
  EXPECT_EQ(down->type, GetParam());
  ASSERT_EQ(down->shape, (Shape{256, 512}));
  std::vector<float> values(256 * 512);
  dequantize(down->type, down->bytes, values);
  double sum = 0, squares = 0;
  for (const float value : values) {
    sum += value;
    squares += double(value) * value;
  }
  const double deviation = std::sqrt(squares / double(values.size()));
  const double wanted = 1 / std::sqrt(512.0);
  EXPECT_NEAR(deviation, wanted, 0.35 * wanted);
  // The codes of q4_0 reach from -8 to 7, so that their mean is half a step below 0.
  EXPECT_NEAR(sum / double(values.size()), 0, 0.12 * wanted);
}
INSTANTIATE_TEST_SUITE_P(EachType, RandomGguf,
                         testing::Values(BlockType::kF32, BlockType::kF16, BlockType::kBF16,
                                         BlockType::kQ4_0, BlockType::kQ4_1, BlockType::kQ5_0,
                                         BlockType::kQ5_1, BlockType::kQ8_0, BlockType::kQ4_K,
                                         BlockType::kQ5_K, BlockType::kQ6_K),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST(RandomGgufModel, FollowsItsSeedAndShape) {
  GgufModelShape shape;
  EXPECT_EQ(model(shape), model(shape));
  GgufModelShape other = shape;
  other.seed = 2;
  EXPECT_NE(model(shape), model(other));
  shape.architecture = "llama";
  shape.tied = false;
  const std::string bytes = model(shape);
  const auto file = Gguf::parse(as_bytes(bytes), "r.gguf");
  ASSERT_TRUE(file.has_value()) << file.error().message();
  EXPECT_EQ(*(*file)->integer("llama.attention.head_count_kv"), 2);
  EXPECT_EQ(*(*file)->integer("llama.rope.dimension_count"), 64);
  EXPECT_EQ((*file)->get("output.weight")->shape, (Shape{512, 256}));
  EXPECT_EQ((*file)->find("blk.0.attn_q_norm.weight"), nullptr);
  EXPECT_EQ((*file)->names().size(), 3u + 2 * 9);
  const GgufTensor norm = *(*file)->get("output_norm.weight");
  std::vector<float> gains(256);
  dequantize(norm.type, norm.bytes, gains);
  for (const float gain : gains) EXPECT_TRUE(std::abs(gain - 1) < 0.2f) << gain;
}

TEST(RandomGgufModel, CopiesByRowsOfItsOwnEmbedding) {
  GgufModelShape shape;
  shape.vocabulary = 2000;
  shape.tied = false;
  shape.copies = 20;
  const std::string bytes = model(shape);
  const auto file = Gguf::parse(as_bytes(bytes), "r.gguf");
  ASSERT_TRUE(file.has_value()) << file.error().message();
  const GgufTensor embedding = *(*file)->get("token_embd.weight");
  const GgufTensor output = *(*file)->get("output.weight");
  const size_t row = embedding.bytes.size() / 2000;
  const auto same = [&](int32_t of_output, int32_t of_embedding) {
    const auto a = output.bytes.subspan(size_t(of_output) * row, row);
    const auto b = embedding.bytes.subspan(size_t(of_embedding) * row, row);
    return std::equal(a.begin(), a.end(), b.begin());
  };
  const auto words = support::copied_tokens(2000, 20);
  EXPECT_TRUE(same(words[0], '\n'));
  for (size_t i = 1; i < words.size(); ++i) EXPECT_TRUE(same(words[i], words[i - 1])) << i;
  EXPECT_TRUE(same(2000 - 3, words.back()));
  EXPECT_FALSE(same(words[0], words[0]));
}

}  // namespace
}  // namespace maie::formats
