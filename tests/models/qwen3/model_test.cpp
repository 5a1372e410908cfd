// The tiny models of tests/golden/qwen3 against PyTorch: layer by layer, and however a text is cut.
#include "models/qwen3/model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "formats/safetensors.h"
#include "ops/embed.h"
#include "tests/kernels/closeness.h"

namespace maie::qwen3 {
namespace {

using maie::testing::close;
using maie::testing::max_abs;
using maie::testing::relative_error;
using maie::testing::same_bits;
using maie::testing::unwritten;

struct Golden {
  explicit Golden(const std::string& name) {
    const std::string folder = std::string(MAIE_SOURCE_DIR) + "/tests/golden/qwen3/" + name;
    auto opened = Weights::open(folder);
    if (!opened.has_value()) throw std::runtime_error(opened.error().message());
    weights = *opened;
    auto file = formats::Safetensors::open(folder + "/expected.safetensors");
    if (!file.has_value()) throw std::runtime_error(file.error().message());
    expected = *file;
    const auto ids = get("tokens").span<int32_t>();
    tokens.assign(ids.begin(), ids.end());
  }
  ConstTensor get(const std::string& name) const {
    const ConstTensor* tensor = expected->find(name);
    if (tensor == nullptr) throw std::runtime_error("no " + name + " in the golden file");
    return *tensor;
  }
  std::shared_ptr<const Weights> weights;
  std::shared_ptr<const formats::Safetensors> expected;
  std::vector<int> tokens;
};

class Qwen3 : public ::testing::TestWithParam<const char*> {
 protected:
  const Golden golden_{GetParam()};
  ThreadPool threads_{2};
  Stream s_{threads_};

  std::unique_ptr<Model> load(ComputeType type, DType cache = DType::kF32, int max_rows = 100) {
    auto model =
        Model::load(s_, golden_.weights,
                    {.compute_type = type, .cache_type = cache, .pages = 6, .max_rows = max_rows});
    if (!model.has_value()) throw std::runtime_error(model.error().message());
    return std::move(*model);
  }

  // Logits of every position, the text given in pieces.
  OwnedTensor logits(Model& model, const std::vector<int64_t>& cuts,
                     const std::vector<int32_t>& pages = {4, 1}) {
    OwnedTensor out = unwritten({int64_t(golden_.tokens.size()), model.config().vocabulary});
    int64_t done = 0;
    for (const int64_t rows : cuts) {
      const ops::SequenceRows sequence{pages, done, rows};
      std::vector<int> wanted(static_cast<size_t>(rows));
      std::iota(wanted.begin(), wanted.end(), 0);
      const Status ran =
          model.forward(std::span(golden_.tokens).subspan(size_t(done), size_t(rows)),
                        std::span(&sequence, 1), wanted, out.view().rows(done, rows));
      if (!ran.ok()) throw std::runtime_error(ran.message());
      done += rows;
    }
    return out;
  }
};

// Float32 on both sides of norms and softmax, sums of at most 96 products, scores of some tens that
// the exponential amplifies by that factor: 6e-8 * (2 + 2 sqrt(96)) * some tens, three blocks in a
// row.
constexpr double kRelative = 1e-4;

TEST_P(Qwen3, EveryBlockGivesWhatPyTorchGives) {
  const Config& c = golden_.weights->config();
  const int64_t T = int64_t(golden_.tokens.size());
  std::vector<int32_t> positions(golden_.tokens.size());
  std::iota(positions.begin(), positions.end(), 0);
  const std::vector<int32_t> pages = {1, 0};
  const ops::SequenceRows sequence{pages, 0, T};
  OwnedTensor frequencies({}, DType::kF32, {c.head_width / 2});
  const std::vector<float> values = c.rope_frequencies();
  std::copy(values.begin(), values.end(), frequencies.view().span<float>().begin());
  const ops::KvPages cache({}, DType::kF32, 2, c.kv_heads, c.head_width);
  Arena arena({}, 8 << 20);
  const OwnedTensor x = unwritten({T, c.width});
  for (int i = 0; i <= c.layers; ++i) {
    const ConstTensor want = golden_.get("hidden." + std::to_string(i));
    if (i > 0) {
      // Each block on the true input: its own errors alone.
      const ConstTensor input = golden_.get("hidden." + std::to_string(i - 1));
      std::copy_n(input.data<float>(), input.size(), x.view().data<float>());
      Packer packer(s_, *golden_.weights, ComputeType::kFloat32);
      const Block block(s_, packer, i - 1);
      block.forward(s_, positions, std::span(&sequence, 1), frequencies.view(), cache, arena,
                    x.view());
    } else {
      const auto table = golden_.weights->matrix("embed_tokens.weight").in_place();
      ops::embed(s_, golden_.tokens, {table, {}}, x.view());
    }
    EXPECT_TRUE(close(x.view(), want, kRelative * max_abs(want.span<float>()))) << "block " << i;
  }
}

TEST_P(Qwen3, LogitsAreThoseOfPyTorchHoweverTheTextIsCut) {
  const ConstTensor want = golden_.get("logits");
  for (const std::vector<int64_t>& cuts :
       {std::vector<int64_t>{75}, {64, 11}, {30, 45}, {1, 16, 17, 1, 40}}) {
    const auto model = load(ComputeType::kFloat32);
    EXPECT_TRUE(close(logits(*model, cuts).view(), want, kRelative * max_abs(want.span<float>())))
        << cuts.size() << " pieces";
  }
}

TEST_P(Qwen3, ReducedTypesStayNear) {
  const ConstTensor want = golden_.get("logits");
  // Operands of products rounded by 2^-9 (bfloat16) or half of 1/127 of a row's largest (int8):
  // 0.16 and 0.8 % of a product; some 20 products one behind another add up like the root.
  for (const auto& [type, allowed] :
       {std::pair{ComputeType::kBFloat16, 0.02}, {ComputeType::kInt8, 0.06}}) {
    for (const DType cache : {DType::kF32, DType::kBF16, DType::kI8}) {
      const auto model = load(type, cache);
      EXPECT_LE(relative_error(logits(*model, {60, 15}).view(), want), allowed)
          << to_string(type) << ", cache " << to_string(cache);
    }
  }
}

// Guesses verified several at a time, beside other texts, have the bits of one token at a time.
TEST_P(Qwen3, FewRowsHaveTheBitsTheyHaveAlone) {
  for (const ComputeType type :
       {ComputeType::kFloat32, ComputeType::kBFloat16, ComputeType::kInt8}) {
    const auto alone = load(type, DType::kBF16);
    const OwnedTensor one_by_one =
        logits(*alone, {40, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 19}, {0, 1});
    const auto model = load(type, DType::kBF16);
    const int64_t V = model->config().vocabulary;
    const OwnedTensor out = unwritten({21, V}), prompt = unwritten({1, V});
    const std::vector<int32_t> own = {3, 5}, other = {2, 4};
    const std::vector<int> last = {39};
    const ops::SequenceRows start{own, 0, 40};
    ASSERT_TRUE(model
                    ->forward(std::span(golden_.tokens).first(40), std::span(&start, 1), last,
                              prompt.view())
                    .ok());
    // 16 rows of the text between 4 and 1 rows of other ones.
    std::vector<int> tokens(golden_.tokens.begin() + 7, golden_.tokens.begin() + 11);
    tokens.insert(tokens.end(), golden_.tokens.begin() + 40, golden_.tokens.begin() + 56);
    tokens.push_back(1);
    const std::vector<int32_t> third = {0};
    const std::vector<ops::SequenceRows> sequences = {{other, 0, 4}, {own, 40, 16}, {third, 0, 1}};
    std::vector<int> wanted(21);
    std::iota(wanted.begin(), wanted.end(), 0);
    ASSERT_TRUE(model->forward(tokens, sequences, wanted, out.view()).ok());
    EXPECT_TRUE(same_bits(out.view().rows(4, 16).span<float>(),
                          one_by_one.view().rows(40, 16).span<float>()))
        << to_string(type);
  }
}

// A prompt cut at fixed places has the bits of these cuts, however many of them a pass reads.
TEST_P(Qwen3, EntriesOfOnePassHaveTheBitsOfPassesOfTheirOwn) {
  for (const ComputeType type :
       {ComputeType::kFloat32, ComputeType::kBFloat16, ComputeType::kInt8}) {
    for (const std::vector<int64_t>& cuts :
         {std::vector<int64_t>{20, 24, 31}, {64, 11}, {32, 5, 38}}) {
      const auto apart = load(type, DType::kBF16), together = load(type, DType::kBF16);
      const OwnedTensor want = logits(*apart, cuts, {4, 1});
      const std::vector<int32_t> pages = {0, 5};
      std::vector<ops::SequenceRows> entries;
      int64_t past = 0;
      for (const int64_t rows : cuts) {
        entries.push_back({pages, past, rows});
        past += rows;
      }
      std::vector<int> wanted(golden_.tokens.size());
      std::iota(wanted.begin(), wanted.end(), 0);
      const OwnedTensor got = unwritten({int64_t(wanted.size()), apart->config().vocabulary});
      ASSERT_TRUE(together->forward(golden_.tokens, entries, wanted, got.view()).ok());
      EXPECT_TRUE(same_bits(got.view().span<float>(), want.view().span<float>()))
          << to_string(type) << ", " << cuts.size() << " cuts";
    }
  }
}

TEST_P(Qwen3, OnlyWantedRowsAreGiven) {
  const auto model = load(ComputeType::kFloat32);
  const OwnedTensor all = logits(*model, {75});
  const OwnedTensor two = unwritten({2, model->config().vocabulary});
  const std::vector<int32_t> pages = {0, 2};
  const ops::SequenceRows sequence{pages, 0, 75};
  const std::vector<int> wanted = {3, 74};
  ASSERT_TRUE(model->forward(golden_.tokens, std::span(&sequence, 1), wanted, two.view()).ok());
  EXPECT_TRUE(same_bits(two.view().rows(0, 1).span<float>(), all.view().rows(3, 1).span<float>()));
  EXPECT_TRUE(same_bits(two.view().rows(1, 1).span<float>(), all.view().rows(74, 1).span<float>()));
}

TEST_P(Qwen3, MistakesOfTheCallerAreSentences) {
  const auto model = load(ComputeType::kFloat32, DType::kF32, 8);
  const OwnedTensor none = unwritten({0, model->config().vocabulary});
  const std::vector<int32_t> pages = {0};
  const ops::SequenceRows nine{pages, 0, 9}, one{pages, 0, 1}, beyond{pages, 64, 1};
  EXPECT_FALSE(
      model->forward(std::span(golden_.tokens).first(9), std::span(&nine, 1), {}, none.view())
          .ok());
  EXPECT_FALSE(
      model->forward(std::span(golden_.tokens).first(1), std::span(&beyond, 1), {}, none.view())
          .ok());
  EXPECT_FALSE(model->forward(std::vector<int>{101}, std::span(&one, 1), {}, none.view()).ok());
  EXPECT_FALSE(model->forward(std::vector<int>{-1}, std::span(&one, 1), {}, none.view()).ok());
  EXPECT_FALSE(
      model->forward(std::vector<int>{1}, std::span(&one, 1), std::vector<int>{1}, none.view())
          .ok());
  EXPECT_TRUE(model->forward(std::vector<int>{1}, std::span(&one, 1), {}, none.view()).ok());
}

INSTANTIATE_TEST_SUITE_P(Models, Qwen3, ::testing::Values("tied", "untied", "llama"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace maie::qwen3
