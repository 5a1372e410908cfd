// Networks from GGUF files beside the same ones from elsewhere.
#include <gtest/gtest.h>

#include "tests/kernels/closeness.h"
#include "tests/models/qwen3/networks.h"
#include "tests/support/random_gguf.h"

namespace maie::qwen3 {
namespace {

using formats::BlockType;
using maie::testing::close;
using maie::testing::max_abs;
using maie::testing::relative_error;
using maie::testing::same_bits;
using namespace maie::qwen3::testing;

class GgufOfGolden : public ::testing::TestWithParam<const char*> {};

// The folder's weights are bfloat16 and its way to the logits is held against PyTorch
// (model_test.cpp), so that the same bits are right.
TEST_P(GgufOfGolden, GivesTheLogitsOfTheFolder) {
  const Loaded folder = golden(GetParam());
  const OwnedTensor want = logits_of(folder, ComputeType::kFloat32);
  for (const BlockType type : {BlockType::kF32, BlockType::kBF16}) {
    const std::string bytes = as_gguf(*folder, type).bytes();
    const Loaded file = opened(open_gguf_bytes(bytes));
    EXPECT_EQ(file->source_kind(), "gguf");
    EXPECT_EQ(file->stored_type(), to_string(type));
    EXPECT_EQ(file->config().end_tokens, std::vector<int>{2});
    const OwnedTensor got = logits_of(file, ComputeType::kFloat32);
    if (folder->config().rope_scaling) {
      // Factors and the quotient of them are rounded: frequencies differ in their last bits.
      EXPECT_TRUE(close(got.view(), want.view(), 1e-5 * max_abs(want.view().span<float>())));
    } else {
      EXPECT_TRUE(same_bits(got.view().span<float>(), want.view().span<float>()));
    }
  }
}

TEST_P(GgufOfGolden, HasEveryMatrixOfTheFolderBitForBit) {
  const Loaded folder = golden(GetParam());
  const std::string bytes = as_gguf(*folder, BlockType::kBF16).bytes();
  const Loaded file = opened(open_gguf_bytes(bytes));
  for (const WeightSpec& spec : weight_specs(folder->config())) {
    if (spec.shape.rank() != 2) continue;
    EXPECT_EQ(values_of(file->matrix(spec.name)), values_of(folder->matrix(spec.name)))
        << spec.name;
    // Also by runs that begin anywhere.
    const auto all = values_of(folder->matrix(spec.name));
    std::vector<float> some(size_t(3 * spec.shape.dim(1)));
    ASSERT_TRUE(file->matrix(spec.name).read_floats(5, 3, some).ok());
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin() + 5 * spec.shape.dim(1)));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GgufOfGolden, ::testing::Values("tied", "untied", "llama"),
                         [](const auto& info) { return std::string(info.param); });

support::GgufModelShape small_shape(BlockType type, const std::string& architecture) {
  support::GgufModelShape shape;
  shape.architecture = architecture;
  shape.vocabulary = 512;
  shape.type = type;
  shape.embedding = type;
  shape.tied = architecture == "qwen3";
  shape.rope_theta = 1e4f;
  return shape;
}

std::string random_model(const support::GgufModelShape& shape) {
  support::GgufWriter file;
  support::add_random_model(file, shape);
  return file.bytes();
}

struct Case {
  BlockType type;
  const char* architecture;
};

class GgufOfEachType : public ::testing::TestWithParam<Case> {};

// Values of each type are those of the gguf package (tests/tools/gguf_peer_test.py); here they are
// written down in float32 and read back.
TEST_P(GgufOfEachType, GivesTheLogitsOfItsValuesInFloat32) {
  const std::string bytes = random_model(small_shape(GetParam().type, GetParam().architecture));
  const Loaded file = opened(open_gguf_bytes(bytes));
  EXPECT_EQ(file->matrix("layers.1.mlp.up_proj.weight").type(), to_string(GetParam().type));
  const std::string plain = as_gguf(*file, BlockType::kF32).bytes();
  const OwnedTensor want = logits_of(opened(open_gguf_bytes(plain)), ComputeType::kFloat32);
  const OwnedTensor got = logits_of(file, ComputeType::kFloat32);
  EXPECT_TRUE(same_bits(got.view().span<float>(), want.view().span<float>()));
  // Operands of products rounded by 2^-9 (bfloat16), or weights and activations by half of 1/127
  // of a row's largest (int8): 0.16 and 0.8 % of a product, added up over some 15 products.
  const auto error = [&](ComputeType type) {
    return relative_error(logits_of(file, type).view(), want.view());
  };
  EXPECT_LE(error(ComputeType::kBFloat16), 0.02);
  EXPECT_LE(error(ComputeType::kInt8), 0.06);
  // As stored: codes of 4 bits are exact but for 11 bits of their scales, and activations have 8.
  EXPECT_LE(error(ComputeType::kAuto), 0.06);
  // Floats rounded to steps of an eighth of the greatest in 32 values that are uniform: off by
  // 1 / 16 of their deviation, 6 % of a product.
  const bool floats = file->matrix("embed_tokens.weight").layout() == formats::StoredLayout::kDense;
  EXPECT_LE(error(ComputeType::kInt4), floats ? 0.4 : 0.06);
}

TEST_P(GgufOfEachType, AutoIsAsStored) {
  const std::string bytes = random_model(small_shape(GetParam().type, GetParam().architecture));
  static ThreadPool threads(2);
  Stream s(threads);
  const auto model = Model::load(s, opened(open_gguf_bytes(bytes)), {.pages = 1, .max_rows = 8});
  ASSERT_TRUE(model.has_value()) << model.error().message();
  const bool four = formats::best_layout(GetParam().type) == formats::StoredLayout::kW4;
  EXPECT_EQ((*model)->compute_type(), four ? ComputeType::kInt4 : ComputeType::kInt8);
}

INSTANTIATE_TEST_SUITE_P(
    Types, GgufOfEachType,
    ::testing::Values(Case{BlockType::kF32, "qwen3"}, Case{BlockType::kF16, "llama"},
                      Case{BlockType::kBF16, "qwen3"}, Case{BlockType::kQ4_0, "qwen3"},
                      Case{BlockType::kQ4_0, "llama"}, Case{BlockType::kQ4_1, "llama"},
                      Case{BlockType::kQ5_0, "qwen3"}, Case{BlockType::kQ5_1, "llama"},
                      Case{BlockType::kQ8_0, "qwen3"}, Case{BlockType::kQ8_0, "llama"},
                      Case{BlockType::kQ4_K, "qwen3"}, Case{BlockType::kQ4_K, "llama"},
                      Case{BlockType::kQ5_K, "qwen3"}, Case{BlockType::kQ6_K, "llama"}),
    [](const auto& info) {
      return std::string(to_string(info.param.type)) + "_" + info.param.architecture;
    });

// Random blocks with extreme scales and what the `gguf` package makes of them
// (tests/golden/formats/make_gguf_blocks.py), each weight found by a product with its column alone.
class PackedBlocks : public ::testing::TestWithParam<BlockType> {};

TEST_P(PackedBlocks, MultiplyTheValuesOfTheGgufPackage) {
  const auto file = formats::Safetensors::open(std::string(MAIE_SOURCE_DIR) +
                                               "/tests/golden/formats/gguf_blocks.safetensors");
  ASSERT_TRUE(file.has_value()) << file.error().message();
  const std::string name(to_string(GetParam()));
  const ConstTensor bytes = *(*file)->get(name + ".bytes");
  const auto want = (*file)->get(name + ".values")->span<float>();
  const int64_t N = bytes.dim(0) / 2, K = 2 * int64_t(formats::block_values(GetParam()));
  const auto matrix = formats::from_blocks(
      GetParam(), {static_cast<const std::byte*>(bytes.raw()), bytes.size_bytes()}, N, K);
  ASSERT_TRUE(matrix.has_value()) << matrix.error().message();
  const bool symmetric = matrix->zero == formats::QuantisedMatrix::Zero::kCode;
  ops::LinearSource source;
  source.quantised = {.bits = matrix->bits,
                      .rows = N,
                      .columns = K,
                      .group = formats::w4_group(*matrix),
                      .symmetric = symmetric};
  source.quantised.read = [&](int64_t first, int64_t count, const ops::QuantisedRows& out) {
    const int64_t row = matrix->row_bytes(), groups = matrix->groups();
    std::copy_n(matrix->codes.begin() + first * row, count * row, out.codes);
    std::copy_n(matrix->scales.begin() + first * groups, count * groups, out.scales);
    if (symmetric) return;
    std::copy_n(matrix->zeros.begin() + first * groups, count * groups, out.offsets);
  };
  static ThreadPool threads(2);
  Stream s(threads);
  const ComputeType type = matrix->bits == 4 ? ComputeType::kInt4 : ComputeType::kInt8;
  const ops::LinearWeights layer = ops::LinearWeights::pack(s, type, source);
  const OwnedTensor x({}, DType::kF32, {K, K}), y({}, DType::kF32, {K, N});
  for (int64_t k = 0; k < K; ++k) {
    for (int64_t i = 0; i < K; ++i) x.view().data<float>()[k * K + i] = i == k ? 127.0f : 0.0f;
  }
  ops::linear(s, x.view(), layer, y.view());
  for (int64_t n = 0; n < N; ++n) {
    // The row's power of two puts its greatest half near 2^15, where others are off by 2^-25.
    double most = 0;
    for (int64_t g = 0; g < matrix->groups(); ++g) {
      most = std::max(most, std::abs(double(matrix->scales[size_t(n * matrix->groups() + g)])));
      if (!symmetric) most = std::max(most, std::abs(double(matrix->offset(n, g))));
    }
    for (int64_t k = 0; k < K; ++k) {
      const int64_t g = k / matrix->group;
      const double scale = matrix->scales[size_t(n * matrix->groups() + g)];
      const int code = matrix->code(n, k) - (symmetric ? 1 << (matrix->bits - 1) : 0);
      // Scale and offset have 11 bits, their products and sum are rounded in float.
      const double parts =
          std::abs(code * scale) + (symmetric ? 0 : std::abs(double(matrix->offset(n, g))));
      const double error = (0x1p-11 + 0x1p-21) * parts + 64 * 0x1p-39 * most;
      const double got = double(y.view().data<float>()[k * N + n]) / 127;
      ASSERT_TRUE(std::abs(got - double(want[size_t(n * K + k)])) <= error)
          << n << " " << k << ": " << got << " " << want[size_t(n * K + k)];
    }
  }
}

// A model takes the memory of its file and at most 15 % more.
TEST_P(PackedBlocks, TakeAboutTheMemoryOfTheirFile) {
  support::GgufModelShape shape;
  shape.type = shape.embedding = GetParam();
  shape.vocabulary = 4096;
  support::GgufWriter writer;
  add_random_network(writer, shape);
  const std::string bytes = writer.bytes();
  static ThreadPool threads(2);
  Stream s(threads);
  const auto model = Model::load(s, opened(open_gguf_bytes(bytes)), {.pages = 1, .max_rows = 8});
  ASSERT_TRUE(model.has_value()) << model.error().message();
  EXPECT_LE(double((*model)->weight_bytes()), 1.15 * double(bytes.size()));
  EXPECT_GE(double((*model)->weight_bytes()), 0.95 * double(bytes.size()));
}

INSTANTIATE_TEST_SUITE_P(EachType, PackedBlocks,
                         ::testing::Values(BlockType::kQ4_0, BlockType::kQ4_1, BlockType::kQ4_K,
                                           BlockType::kQ5_0, BlockType::kQ5_1, BlockType::kQ5_K,
                                           BlockType::kQ6_K),
                         [](const auto& info) { return std::string(to_string(info.param)); });

// Most files of the K kinds keep values and outputs in more bits than the rest.
TEST(GgufModels, OfMixedTypesChooseForEachMatrix) {
  Config c;
  c.head_norms = true;
  c.layers = 2;
  c.width = c.mlp_width = 256;
  c.heads = 4;
  c.kv_heads = 2;
  c.head_width = 64;
  c.vocabulary = 320;
  c.context = 512;
  support::GgufWriter file;
  add_metadata(file, c);
  file.add("general.file_type", uint32_t{15});
  uint64_t seed = 7;
  for (const WeightSpec& spec : weight_specs(c)) {
    const std::string name = gguf_name(spec.name);
    if (spec.shape.rank() == 1) {
      file.add_tensor(name, BlockType::kF32, {spec.shape.dim(0)},
                      bytes_of(std::vector<float>(size_t(spec.shape.dim(0)), 1), BlockType::kF32));
      continue;
    }
    const auto is = [&](const char* part) { return name.find(part) != name.npos; };
    const BlockType type = is("attn_v")                ? BlockType::kQ6_K
                           : is("ffn_up")              ? BlockType::kF16
                           : is("blk.1.attn_q.weight") ? BlockType::kQ5_K
                           : name == "output.weight"   ? BlockType::kQ6_K
                                                       : BlockType::kQ4_K;
    file.add_tensor(name, type, {spec.shape.dim(0), spec.shape.dim(1)},
                    support::RandomBlocks(type, 1.0f / 16, seed++));
  }
  const std::string bytes = file.bytes();
  const Loaded mixed = opened(open_gguf_bytes(bytes));
  EXPECT_EQ(mixed->stored_type(), "q4_K_M");
  const OwnedTensor want = logits_of(mixed, ComputeType::kFloat32);
  EXPECT_LE(relative_error(logits_of(mixed, ComputeType::kAuto).view(), want.view()), 0.06);
  EXPECT_LE(relative_error(logits_of(mixed, ComputeType::kInt8).view(), want.view()), 0.06);
  static ThreadPool threads(2);
  Stream s(threads);
  const auto model = Model::load(s, mixed, {.pages = 1, .max_rows = 8});
  ASSERT_TRUE(model.has_value()) << model.error().message();
  EXPECT_EQ((*model)->compute_type(), ComputeType::kInt4);
}

void expect_refused(const support::GgufWriter& file, Code code, const std::string& words) {
  const std::string bytes = file.bytes();
  const auto weights = open_gguf_bytes(bytes);
  ASSERT_FALSE(weights.has_value()) << words;
  EXPECT_EQ(weights.error().code(), code) << weights.error().message();
  EXPECT_NE(weights.error().message().find(words), std::string::npos) << weights.error().message();
  EXPECT_NE(weights.error().message().find("m.gguf"), std::string::npos);
}

// The tied network with something added or put in the place of one of its keys.
TEST(GgufModels, NameTheKeyAndTheReason) {
  const Loaded folder = golden("tied");
  const auto with = [&](auto change) {
    support::GgufWriter file = as_gguf(*folder, BlockType::kBF16);
    change(file);
    return file;
  };
  const auto with_config = [&](auto change) {
    Config config = folder->config();
    change(config);
    support::GgufWriter file;
    add_metadata(file, config);
    file.add_tensor("token_embd.weight", BlockType::kF32, {101, 40}, std::string(101 * 160, 0));
    return file;
  };
  support::GgufWriter other;
  other.add("general.architecture", "qwen3moe");
  expect_refused(other, Code::kUnsupported, "\"general.architecture\" is \"qwen3moe\"");
  expect_refused(support::GgufWriter(), Code::kNotFound, "general.architecture");
  expect_refused(with([](auto& f) { f.add("qwen3.expert_count", uint32_t{8}); }),
                 Code::kUnsupported, "\"qwen3.expert_count\" is 8 (a mixture of experts)");
  expect_refused(with([](auto& f) { f.add("qwen3.rope.scaling.type", "yarn"); }),
                 Code::kUnsupported, "\"qwen3.rope.scaling.type\" is \"yarn\"");
  expect_refused(with([](auto& f) { f.add("qwen3.rope.dimension_count", uint32_t{8}); }),
                 Code::kUnsupported, "\"qwen3.rope.dimension_count\" is 8");
  expect_refused(with([](auto& f) { f.add("qwen3.rope.scaling.factor", NAN); }), Code::kCorrupt,
                 "\"qwen3.rope.scaling.factor\" is nan");
  expect_refused(with([](auto& f) { f.add("qwen3.rope.scaling.factor", "two"); }), Code::kCorrupt,
                 "\"qwen3.rope.scaling.factor\"");
  expect_refused(with_config([](Config& c) { c.layers = 100000; }), Code::kCorrupt,
                 "\"qwen3.block_count\" is 100000, not from 1 to 512");
  expect_refused(with_config([](Config& c) { c.heads = 0; }), Code::kCorrupt,
                 "\"qwen3.attention.head_count\" is 0");
  expect_refused(with_config([](Config& c) { c.kv_heads = 4; }), Code::kCorrupt, "share");
  expect_refused(with_config([](Config& c) { c.head_width = 15; }), Code::kCorrupt, "pairs");
}

TEST(GgufModels, NameTheTensorAndTheReason) {
  const Loaded folder = golden("tied");
  const auto tensor = [&](const char* name, std::vector<int64_t> shape) {
    support::GgufWriter file = as_gguf(*folder, BlockType::kBF16);
    int64_t size = 4;
    for (const int64_t extent : shape) size *= extent;
    file.add_tensor(name, BlockType::kF32, shape, std::string(size_t(size), 0));
    return file;
  };
  expect_refused(tensor("blk.0.attn_q.bias", {96}), Code::kUnsupported,
                 "\"blk.0.attn_q.bias\" is a bias");
  expect_refused(tensor("blk.0.ffn_gate_exps.weight", {2, 72, 40}), Code::kUnsupported,
                 "\"blk.0.ffn_gate_exps.weight\" has no place");
  expect_refused(tensor("blk.3.ffn_up.weight", {72, 40}), Code::kUnsupported,
                 "\"blk.3.ffn_up.weight\" has no place");
  expect_refused(tensor("output.weight", {100, 40}), Code::kCorrupt,
                 "\"output.weight\" is [100, 40], and the metadata makes it [101, 40]");
  expect_refused(tensor("rope_freqs.weight", {7}), Code::kCorrupt, "\"rope_freqs.weight\"");
  expect_refused(tensor("rope_freqs.weight", {8}), Code::kCorrupt, "a factor that is none");

  Config more = folder->config();
  more.layers = 4;
  support::GgufWriter missing;
  add_metadata(missing, more);
  missing.add_tensor("token_embd.weight", BlockType::kF32, {101, 40}, std::string(101 * 160, 0));
  expect_refused(missing, Code::kNotFound, "\"output_norm.weight\"");
}

TEST(GgufModels, AScaleThatIsNoNumberIsNamedWhenTheModelIsPacked) {
  const auto shape = small_shape(BlockType::kQ8_0, "qwen3");
  std::string bytes = random_model(shape);
  {
    const auto file = formats::Gguf::parse(formats::as_bytes(bytes), "m.gguf");
    ASSERT_TRUE(file.has_value());
    const uint64_t at = (*file)->find("blk.1.ffn_up.weight")->offset;
    bytes[at] = char(0x00);
    bytes[at + 1] = char(0x7c);  // an infinite half
  }
  static ThreadPool threads(2);
  Stream s(threads);
  const auto model = Model::load(s, opened(open_gguf_bytes(bytes)), {.pages = 1, .max_rows = 8});
  ASSERT_FALSE(model.has_value());
  EXPECT_EQ(model.error().code(), Code::kCorrupt);
  EXPECT_NE(model.error().message().find("m.gguf: tensor \"blk.1.ffn_up.weight\""),
            std::string::npos)
      << model.error().message();
}

TEST(GgufModels, DamagedFilesAreRefusedOrRun) {
  auto shape = small_shape(BlockType::kQ4_0, "llama");
  shape.layers = 1;
  shape.width = 64;
  shape.heads = shape.kv_heads = 2;
  shape.head_width = 32;
  shape.ff_width = 64;
  shape.vocabulary = 300;
  support::GgufWriter file;
  support::add_random_model(file, shape);
  static ThreadPool threads(2);
  Stream s(threads);
  int ran = 0;
  formats::parse_damaged_copies(
      file.bytes(), file.head().size(), 1500, [&](const std::string& bytes) {
        const auto weights = open_gguf_bytes(bytes);
        if (!weights.has_value()) {
          EXPECT_NE(weights.error().code(), Code::kInternal) << weights.error().message();
          EXPECT_NE(weights.error().message().find("m.gguf"), std::string::npos);
          return;
        }
        if (ran >= 40) return;
        ++ran;
        const auto model = Model::load(s, *weights, {.pages = 1, .max_rows = 8});
        EXPECT_NE(model.status().code(), Code::kInternal) << model.status().message();
      });
  EXPECT_GT(ran, 10);
}

}  // namespace
}  // namespace maie::qwen3
