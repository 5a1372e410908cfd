#include "models/whisper/model.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "ops/attention.h"
#include "ops/unfold.h"
#include "tests/kernels/closeness.h"
#include "tests/models/whisper/golden_model.h"
#include "tests/ops/allocations.h"

namespace maie::whisper {
namespace {

using maie::testing::close;
using maie::testing::copy_of;
using maie::testing::max_abs;
using maie::testing::random_tensor;
using maie::testing::relative_error;
using maie::testing::same_bits;
using maie::testing::unwritten;
using whisper::testing::GoldenModel;

const GoldenModel& golden(const std::string& name) {
  static const GoldenModel even("even"), odd("odd");
  return name == "even" ? even : odd;
}

constexpr int kPrompt = 6;  // tokens the golden program gave at once
constexpr ComputeType kTypes[] = {ComputeType::kFloat32, ComputeType::kBFloat16,
                                  ComputeType::kInt8};

// Float32 agrees with double to 1e-5 of the largest value after one block, whose sums are of at
// most 96 products: 6e-8 * (2 + 2 sqrt(96)) per layer, a handful of layers in a row, and attention
// scores around 10 that the exponential amplifies by that factor. 1e-4 after the whole network.
::testing::AssertionResult within(ConstTensor got, ConstTensor want, double relative) {
  return close(got, want, relative * max_abs(want.span<float>()));
}

// How far a whole network may be off, as relative_error. Every product rounds its two operands:
// bfloat16 by up to 2^-9 of themselves (deviation 0.11 % each, 0.16 % of the product), int8 by up
// to half of 1/127 of the row's largest (deviation 0.23 % of that, 0.57 % of the root mean square
// of some 50 normal values, 0.8 % of the product). About 20 products lie one behind another in
// these models, and their errors, which know nothing of each other, add up like the root: 0.7 %
// and 3.6 %. The bounds leave room for the scores, whose errors the exponential magnifies.
// Measured: 0.3 to 0.6 %, 1.1 to 1.9 %.
double allowed_error(ComputeType type) {
  switch (type) {
    case ComputeType::kBFloat16: return 0.015;
    case ComputeType::kInt8: return 0.045;
    default: return 1e-5;
  }
}

// A text of the test: one cell for each position.
struct Text {
  std::vector<int> tokens;
  std::vector<int32_t> cells;
  const Window* window = nullptr;

  Text(std::vector<int> ids, int32_t first_cell, const Window& w)
      : tokens(std::move(ids)), window(&w) {
    cells.resize(tokens.size());
    std::iota(cells.begin(), cells.end(), first_cell);
  }
  DecoderRow row(size_t position) const {
    return {tokens[position], int(position), {cells.data(), int32_t(position) + 1}, window};
  }
  std::vector<DecoderRow> rows(size_t first, size_t count) const {
    std::vector<DecoderRow> rows;
    for (size_t i = 0; i < count; ++i) rows.push_back(row(first + i));
    return rows;
  }
};

std::vector<int> all_of(size_t count) {
  std::vector<int> wanted(count);
  std::iota(wanted.begin(), wanted.end(), 0);
  return wanted;
}

// Logits of all positions: the prompt at once, then one by one, as the golden program went.
OwnedTensor logits_of(Model& model, const Text& text) {
  OwnedTensor logits = unwritten({int64_t(text.tokens.size()), model.config().vocabulary});
  for (size_t first = 0; first < text.tokens.size();) {
    const size_t count = first == 0 ? size_t(kPrompt) : 1;
    const Status status = model.decode(text.rows(first, count), all_of(count),
                                       logits.view().rows(int64_t(first), int64_t(count)));
    EXPECT_TRUE(status.ok()) << status.message();
    first += count;
  }
  return logits;
}

class WhisperGolden : public ::testing::TestWithParam<std::string> {
 protected:
  const GoldenModel& model_ = golden(GetParam());
  ThreadPool threads_{2};
  Stream stream_{threads_};
  // Room for any stage of these models.
  Arena arena_{Device(), size_t{4} << 20};
};

TEST_P(WhisperGolden, ConvolutionsMatch) {
  const Config& c = model_.config();
  LayerReader reader(stream_, *model_.weights());
  const auto conv1 = reader.conv(ComputeType::kFloat32, "encoder.conv1", c.width, c.mel_bins, 3);
  const auto conv2 = reader.conv(ComputeType::kFloat32, "encoder.conv2", c.width, c.width, 3);
  const auto positions = reader.table("encoder.embed_positions.weight", c.audio_context, c.width);
  ASSERT_TRUE(reader.status().ok()) << reader.status().message();
  const int64_t T = c.audio_context, F = c.mel_bins, C = c.width;
  for (const std::string window : {"a", "b"}) {
    const OwnedTensor windows1 = unwritten({1, 2 * T, 3 * F}), features = unwritten({1, 2 * T, C});
    const OwnedTensor windows2 = unwritten({1, T, 3 * C}), x = unwritten({1, T, C});
    ops::unfold(stream_, model_.expected(window + ".mel").reshaped({1, 2 * T, F}),
                {.kernel = 3, .stride = 1}, windows1.view());
    ops::linear_gelu(stream_, windows1.view(), conv1, features.view());
    ops::unfold(stream_, features.view(), {.kernel = 3, .stride = 2}, windows2.view());
    ops::linear_gelu(stream_, windows2.view(), conv2, x.view());
    ops::add_rows(stream_, positions.view(), x.view());
    EXPECT_TRUE(within(x.view(), model_.expected(window + ".encoder.0"), 1e-5));
  }
}

TEST_P(WhisperGolden, EveryEncoderBlockMatches) {
  LayerReader reader(stream_, *model_.weights());
  for (int layer = 0; layer < model_.config().encoder_layers; ++layer) {
    const EncoderBlock block(reader, model_.config(), {}, layer);
    ASSERT_TRUE(reader.status().ok()) << reader.status().message();
    for (const std::string window : {"a", "b"}) {
      const std::string stage = window + ".encoder.";
      const ConstTensor before = model_.expected(stage + std::to_string(layer));
      const OwnedTensor x = copy_of(before);
      block.forward(stream_, x.view().reshaped({1, before.dim(0), before.dim(1)}), arena_);
      EXPECT_TRUE(within(x.view(), model_.expected(stage + std::to_string(layer + 1)), 1e-5))
          << stage << layer;
    }
  }
}

TEST_P(WhisperGolden, EveryDecoderBlockMatches) {
  const Config& c = model_.config();
  LayerReader reader(stream_, *model_.weights());
  for (const DType cross_type : {DType::kF32, DType::kBF16, DType::kI8}) {
    for (int layer = 0; layer < c.decoder_layers; ++layer) {
      const DecoderBlock block(reader, c, {.cross_cache = cross_type}, layer);
      ASSERT_TRUE(reader.status().ok()) << reader.status().message();
      for (const std::string window : {"a", "b"}) {
        const std::string stage = window + ".decoder.";
        const ConstTensor before = model_.expected(stage + std::to_string(layer));
        const OwnedTensor x = copy_of(before);
        ops::CrossCache cross({}, cross_type, c.audio_context, c.width, c.decoder_heads);
        block.store_cross(stream_, model_.expected(window + ".states"), arena_, cross);
        const size_t R = size_t(before.dim(0));
        const OwnedTensor cache = unwritten({int64_t(R), 2 * c.width});
        std::vector<int32_t> cells(R);
        std::iota(cells.begin(), cells.end(), 0);
        std::vector<ops::RowHistory> histories;
        for (size_t r = 0; r < R; ++r) histories.push_back({cells.data(), int32_t(r) + 1});
        const std::vector<const ops::CrossCache*> windows(R, &cross);
        block.forward(stream_, x.view(), histories, cache.view(), windows, {}, arena_);
        const ConstTensor want = model_.expected(stage + std::to_string(layer + 1));
        // The cache rounds one operand of two products, of which the block has eight: see
        // allowed_error.
        if (cross_type == DType::kF32) {
          EXPECT_TRUE(within(x.view(), want, 1e-5)) << stage << layer;
        }
        if (cross_type == DType::kBF16) {
          EXPECT_LT(relative_error(x.view(), want), 0.002) << stage << layer;
        }
        if (cross_type == DType::kI8) {
          EXPECT_LT(relative_error(x.view(), want), 0.01) << stage << layer;
        }
      }
    }
  }
}

TEST_P(WhisperGolden, EncoderStatesMatchInEveryType) {
  for (const ComputeType type : kTypes) {
    const auto model = model_.load(stream_, type);
    for (const std::string window : {"a", "b"}) {
      const ConstTensor want = model_.expected(window + ".states");
      const OwnedTensor states = unwritten(want.shape());
      const Status status = model->encode_states(model_.expected(window + ".mel"), states.view());
      ASSERT_TRUE(status.ok()) << status.message();
      if (type == ComputeType::kFloat32) {
        EXPECT_TRUE(within(states.view(), want, 1e-4));
      }
      const double error = relative_error(states.view(), want);
      EXPECT_LT(error, allowed_error(type)) << to_string(type);
      RecordProperty("states_" + std::string(to_string(type)) + window, std::to_string(error));
    }
  }
}

TEST_P(WhisperGolden, LogitsAndScoresMatchInEveryType) {
  const Config& c = model_.config();
  for (const ComputeType type : kTypes) {
    const auto model = model_.load(stream_, type);
    for (const std::string name : {"a", "b"}) {
      Window window = model->new_window();
      Status status = model->encode(model_.expected(name + ".mel"), window);
      ASSERT_TRUE(status.ok()) << status.message();
      const Text text(model_.tokens(name + ".tokens"), 3, window);
      const ConstTensor want = model_.expected(name + ".logits");
      const OwnedTensor logits = logits_of(*model, text);
      if (type == ComputeType::kFloat32) {
        EXPECT_TRUE(within(logits.view(), want, 1e-4));
      }
      const double error = relative_error(logits.view(), want);
      EXPECT_LT(error, allowed_error(type)) << to_string(type);
      RecordProperty("logits_" + std::string(to_string(type)) + name, std::to_string(error));

      // Once more in one pass, with the scores of every head.
      const size_t n = text.tokens.size();
      const OwnedTensor again = unwritten(want.shape());
      AlignmentScores scores;
      status = model->decode(text.rows(0, n), all_of(n), again.view(), &scores);
      ASSERT_TRUE(status.ok()) << status.message();
      EXPECT_TRUE(same_bits(again.view().span<float>(), logits.view().span<float>()))
          << "one pass differs from steps in " << to_string(type);
      const ConstTensor want_scores = model_.expected(name + ".scores");
      ASSERT_EQ(scores.T, c.audio_context);
      ASSERT_EQ(int64_t(scores.values.size()), want_scores.size());
      const ConstTensor got_scores(scores.values.data(), DType::kF32, want_scores.shape());
      if (type == ComputeType::kFloat32) {
        EXPECT_TRUE(within(got_scores, want_scores, 1e-4));
      }
      EXPECT_LT(relative_error(got_scores, want_scores), allowed_error(type)) << to_string(type);
    }
  }
}

// What batched decoding rests on: the logits of a row are the same to the bit alone and among any
// other rows, whatever their windows and histories.
TEST_P(WhisperGolden, ARowDoesNotDependOnItsCompany) {
  const int V = model_.config().vocabulary;
  for (const ComputeType type : kTypes) {
    const auto model = model_.load(stream_, type);
    Window a = model->new_window(), b = model->new_window();
    ASSERT_TRUE(model->encode(model_.expected("a.mel"), a).ok());
    ASSERT_TRUE(model->encode(model_.expected("b.mel"), b).ok());
    // Nine texts of 2 to 10 tokens on two windows.
    std::vector<Text> texts;
    for (int i = 0; i < 9; ++i) {
      std::vector<int> tokens;
      for (int t = 0; t < 2 + i; ++t) tokens.push_back((17 * i + 29 * t + t * t) % V);
      texts.emplace_back(tokens, 11 * i, i % 3 == 1 ? b : a);
    }
    std::vector<OwnedTensor> alone;
    for (const Text& text : texts) {
      const size_t n = text.tokens.size();
      for (size_t position = 0; position < n; ++position) {
        alone.push_back(unwritten({1, V}));
        const std::array<int, 1> wanted = {0};
        ASSERT_TRUE(model->decode(text.rows(position, 1), wanted, alone.back().view()).ok());
        if (position + 1 < n) alone.pop_back();
      }
    }
    for (size_t batch = 1; batch <= texts.size(); ++batch) {
      // The pasts of all of them in one pass of mixed lengths, then one step of `batch` rows.
      std::vector<DecoderRow> past, step;
      for (size_t i = 0; i < batch; ++i) {
        const size_t n = texts[i].tokens.size();
        for (const DecoderRow& row : texts[i].rows(0, n - 1)) past.push_back(row);
        step.push_back(texts[i].row(n - 1));
      }
      ASSERT_TRUE(model->decode(past, {}, Tensor(nullptr, DType::kF32, {0, V})).ok());
      const OwnedTensor logits = unwritten({int64_t(batch), V});
      ASSERT_TRUE(model->decode(step, all_of(batch), logits.view()).ok());
      for (size_t i = 0; i < batch; ++i) {
        ASSERT_TRUE(same_bits(logits.view().rows(int64_t(i), 1).span<float>(),
                              alone[i].view().span<float>()))
            << to_string(type) << " row " << i << " of " << batch;
      }
    }
  }
}

// Hypotheses that share cells of a common past give what each would give on its own copy.
TEST_P(WhisperGolden, ForksShareTheCellsOfTheirPast) {
  const int V = model_.config().vocabulary;
  const auto model = model_.load(stream_, ComputeType::kInt8);
  Window window = model->new_window();
  ASSERT_TRUE(model->encode(model_.expected("a.mel"), window).ok());
  std::vector<int> tokens = model_.tokens("a.tokens");
  tokens.resize(5);
  const Text trunk(tokens, 0, window);
  ASSERT_TRUE(model->decode(trunk.rows(0, 5), {}, Tensor(nullptr, DType::kF32, {0, V})).ok());
  std::vector<std::vector<int32_t>> histories;
  std::vector<DecoderRow> forks;
  for (int32_t fork = 0; fork < 3; ++fork) {
    histories.push_back(trunk.cells);
    histories.back().push_back(20 + fork);
  }
  for (int fork = 0; fork < 3; ++fork) {
    forks.push_back({7 * fork + 1, 5, {histories[size_t(fork)].data(), 6}, &window});
  }
  const OwnedTensor logits = unwritten({3, V});
  ASSERT_TRUE(model->decode(forks, all_of(3), logits.view()).ok());
  for (int fork = 0; fork < 3; ++fork) {
    std::vector<int> own_tokens = tokens;
    own_tokens.push_back(7 * fork + 1);
    const Text own(own_tokens, 40, window);
    const OwnedTensor want = unwritten({1, V});
    const std::array<int, 1> last = {5};
    ASSERT_TRUE(model->decode(own.rows(0, 6), last, want.view()).ok());
    EXPECT_TRUE(same_bits(logits.view().rows(fork, 1).span<float>(), want.view().span<float>()))
        << fork;
  }
}

TEST_P(WhisperGolden, TheTeamDoesNotChangeTheResult) {
  for (const ComputeType type : kTypes) {
    std::vector<float> first;
    for (const int members : {1, 2, 3}) {
      ThreadPool threads(members);
      Stream stream(threads);
      const auto model = model_.load(stream, type);
      Window window = model->new_window();
      ASSERT_TRUE(model->encode(model_.expected("a.mel"), window).ok());
      const OwnedTensor logits = logits_of(*model, Text(model_.tokens("a.tokens"), 0, window));
      const auto got = logits.view().span<float>();
      if (first.empty()) first.assign(got.begin(), got.end());
      EXPECT_TRUE(same_bits(got, first)) << to_string(type) << " team " << members;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, WhisperGolden, ::testing::Values("even", "odd"),
                         [](const auto& info) { return info.param; });

// 75 positions do not fit one pass of the arena (64 rows): they run in pieces, with the same
// result.
TEST(WhisperModel, LongPromptsRunInPieces) {
  ThreadPool threads(2);
  Stream stream(threads);
  const GoldenModel& even = golden("even");
  const auto model = even.load(stream, ComputeType::kFloat32, 4);
  Window window = model->new_window();
  ASSERT_TRUE(model->encode(even.expected("b.mel"), window).ok());
  const Text text(even.tokens("long.tokens"), 0, window);
  const size_t n = text.tokens.size();
  ASSERT_GT(int(n), model->pass_rows());
  const int64_t V = model->config().vocabulary;
  // Rows of both pieces are wanted.
  const std::vector<int> wanted = {0, 10, 63, 64, int(n) - 1};
  const OwnedTensor logits = unwritten({5, V});
  ASSERT_TRUE(model->decode(text.rows(0, n), wanted, logits.view()).ok());
  EXPECT_TRUE(within(logits.view().rows(4, 1).reshaped({V}), even.expected("long.logits"), 1e-4));
  for (size_t i = 0; i < wanted.size(); ++i) {
    // The same position, one token at a time up to there would take long: from its own short pass.
    const OwnedTensor want = unwritten({1, V});
    const std::array<int, 1> only = {0};
    ASSERT_TRUE(model->decode(text.rows(size_t(wanted[i]), 1), only, want.view()).ok());
    EXPECT_TRUE(
        same_bits(logits.view().rows(int64_t(i), 1).span<float>(), want.view().span<float>()))
        << "row " << wanted[i];
  }
  AlignmentScores scores;
  const Status status = model->decode(text.rows(0, n), wanted, logits.view(), &scores);
  EXPECT_EQ(status.code(), Code::kInternal) << "a pass with scores is not cut";
}

TEST(WhisperModel, WrongCallsAreStatusesNotCrashes) {
  ThreadPool threads(1);
  Stream stream(threads);
  const GoldenModel& odd = golden("odd");
  const auto model = odd.load(stream, ComputeType::kFloat32);
  const int V = model->config().vocabulary;
  Window window = model->new_window();
  const OwnedTensor logits = unwritten({2, V});
  const std::array<int, 1> first = {0};

  // Mel of another length, states of another shape.
  const OwnedTensor mel = random_tensor({20, 80}, 1, 1), narrow = random_tensor({26, 79}, 1, 1);
  EXPECT_EQ(model->encode(mel.view(), window).code(), Code::kInternal);
  EXPECT_EQ(model->encode(narrow.view(), window).code(), Code::kInternal);
  const OwnedTensor states = unwritten({13, 35});
  EXPECT_EQ(model->encode_states(odd.expected("a.mel"), states.view()).code(), Code::kInternal);

  // A window nobody has filled, and none at all.
  EXPECT_EQ(model->decode(Text({1}, 0, window).rows(0, 1), first, logits.view().rows(0, 1)).code(),
            Code::kInternal);
  const Text one({1}, 0, window);  // rows point at its cells
  std::vector<DecoderRow> rows = one.rows(0, 1);
  rows[0].window = nullptr;
  EXPECT_EQ(model->decode(rows, first, logits.view().rows(0, 1)).code(), Code::kInternal);

  ASSERT_TRUE(model->encode(odd.expected("a.mel"), window).ok());
  EXPECT_TRUE(model->decode(Text({1}, 0, window).rows(0, 1), first, logits.view().rows(0, 1)).ok());
  // Tokens and positions outside the tables.
  for (const int token : {-1, V}) {
    EXPECT_EQ(
        model->decode(Text({token}, 0, window).rows(0, 1), first, logits.view().rows(0, 1)).code(),
        Code::kInternal);
  }
  rows = one.rows(0, 1);
  rows[0].position = model->config().text_context;
  EXPECT_EQ(model->decode(rows, first, logits.view().rows(0, 1)).code(), Code::kInternal);
  // A row without a history, and cells outside the cache.
  rows = one.rows(0, 1);
  rows[0].history.count = 0;
  EXPECT_EQ(model->decode(rows, first, logits.view().rows(0, 1)).code(), Code::kInternal);
  for (const int32_t cell : {-1, int32_t(model->cells()) + model->config().text_context}) {
    EXPECT_EQ(
        model->decode(Text({1}, cell, window).rows(0, 1), first, logits.view().rows(0, 1)).code(),
        Code::kInternal);
  }
  // Wanted rows that are none, out of order, or more than there is room for.
  const Text two({1, 2}, 0, window);
  EXPECT_EQ(model->decode(two.rows(0, 2), std::array<int, 1>{2}, logits.view().rows(0, 1)).code(),
            Code::kInternal);
  EXPECT_EQ(model->decode(two.rows(0, 2), std::array<int, 1>{-1}, logits.view().rows(0, 1)).code(),
            Code::kInternal);
  EXPECT_EQ(model->decode(two.rows(0, 2), std::array<int, 2>{1, 0}, logits.view()).code(),
            Code::kInternal);
  EXPECT_EQ(
      model->decode(two.rows(0, 2), std::array<int, 2>{0, 1}, logits.view().rows(0, 1)).code(),
      Code::kInternal);
}

// Activations lie in the arena, whose size a dry run found when the model was loaded. What a pass
// still allocates are its lists: pointers a row or a head, and oneDNN's arguments.
TEST(WhisperModel, PassesAllocateListsOnly) {
  ThreadPool threads(2);
  Stream stream(threads);
  const GoldenModel& even = golden("even");
  for (const ComputeType type : kTypes) {
    const auto model = even.load(stream, type);
    Window window = model->new_window();
    const Text text(even.tokens("long.tokens"), 0, window);
    const std::vector<DecoderRow> rows = text.rows(0, 64);
    const std::vector<int> wanted = {63};
    const OwnedTensor logits = unwritten({1, model->config().vocabulary});
    const auto pass = [&] {
      return model->encode(even.expected("a.mel"), window).ok() &&
             model->decode(rows, wanted, logits.view()).ok();
    };
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(pass());
    const maie::testing::CountAllocations counted;
    ASSERT_TRUE(pass());
    // The unfolded mel alone is 77 kB, q | k | v of 64 rows 37 kB.
    EXPECT_LE(counted.largest_bytes(), 64 * sizeof(ops::RowHistory)) << to_string(type);
    EXPECT_LT(counted.bytes(), 200'000u)
        << to_string(type) << ", " << counted.count() << " allocations";
    RecordProperty("allocations_" + std::string(to_string(type)), int(counted.count()));
  }
}

TEST(WhisperModel, SizesAreReported) {
  ThreadPool threads(2);
  Stream stream(threads);
  const GoldenModel& even = golden("even");
  const auto floats = even.load(stream, ComputeType::kFloat32, 3);
  const auto bytes = even.load(stream, ComputeType::kInt8, 3);
  EXPECT_EQ(floats->cells(), 3 * floats->config().text_context);
  EXPECT_GT(floats->weight_bytes(), floats->step_weight_bytes());
  EXPECT_GT(floats->step_weight_bytes(), 2 * bytes->step_weight_bytes());
  EXPECT_GT(floats->new_window().size_bytes(), 2 * bytes->new_window().size_bytes());
  EXPECT_EQ(even.load(stream, ComputeType::kAuto)->compute_type(), ComputeType::kInt8);
  EXPECT_EQ(even.load(stream, ComputeType::kFloat16)->compute_type(), ComputeType::kFloat32);
}

}  // namespace
}  // namespace maie::whisper
