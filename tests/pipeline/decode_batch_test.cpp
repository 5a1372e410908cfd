#include "pipeline/decode_batch.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/kernels/closeness.h"
#include "tests/models/whisper/golden_model.h"

namespace maie::pipeline {
namespace {

using whisper::testing::GoldenModel;

const GoldenModel& golden() {
  static const GoldenModel even("even");
  return even;
}

// ---- cells

TEST(CellPool, GivesEachCellOnceUntilItComesBack) {
  CellPool pool(5);
  std::set<int32_t> cells;
  for (int i = 0; i < 5; ++i) cells.insert(pool.take());
  EXPECT_EQ(cells, (std::set<int32_t>{0, 1, 2, 3, 4}));
  EXPECT_THROW((void)pool.take(), ContractError);
  pool.release(std::vector<int32_t>{3});
  EXPECT_EQ(pool.take(), 3);
  EXPECT_THROW((void)pool.take(), ContractError);
}

TEST(CellPool, FreedCellsAreReusedBeforeFreshOnes) {
  CellPool pool(100);
  for (int round = 0; round < 50; ++round) {
    const std::vector<int32_t> cells = {pool.take(), pool.take(), pool.take()};
    for (const int32_t cell : cells) EXPECT_LT(cell, 3) << "memory that nobody had to touch";
    pool.release(cells);
  }
}

TEST(CellPool, ASharedCellComesBackWithItsLastUser) {
  CellPool pool(3);
  const std::vector<int32_t> past = {pool.take(), pool.take()};
  pool.share(past);
  pool.share(std::vector<int32_t>{past[0]});
  pool.release(past);
  EXPECT_EQ(pool.take(), 2) << "both cells still have a user";
  EXPECT_THROW((void)pool.take(), ContractError);
  pool.release(past);
  EXPECT_EQ(pool.take(), past[1]);
  EXPECT_THROW((void)pool.take(), ContractError);
  pool.release(std::vector<int32_t>{past[0]});
  EXPECT_EQ(pool.take(), past[0]);
}

// ---- decoding

// A vocabulary for the tiny model: text, then special ids, then 45 timestamps.
search::TokenIds token_ids() {
  return {.vocabulary = 200,
          .eot = 150,
          .sot = 151,
          .start_of_prev = 152,
          .no_timestamps = 154,
          .no_speech = 153,
          .timestamp_begin = 155};
}

struct Setup {
  ComputeType type = ComputeType::kInt8;
  int beam_size = 1;
  std::vector<double> temperatures = {0.0};
  bool gates_fail = false;  // every attempt is refused, so that the whole ladder runs
};

std::string name_of(const Setup& setup) {
  return std::string(to_string(setup.type)) + "_beam" + std::to_string(setup.beam_size) +
         (setup.temperatures == std::vector<double>{0.0} ? "" : "_sampling") +
         (setup.gates_fail ? "_ladder" : "");
}
void PrintTo(const Setup& setup, std::ostream* out) { *out << name_of(setup); }

BatchOptions options_of(const Setup& setup) {
  BatchOptions options;
  options.ids = token_ids();
  options.search.beam_size = setup.beam_size;
  options.search.best_of = 3;
  options.search.max_length = golden().config().text_context;
  options.temperatures = setup.temperatures;
  options.gates.log_prob.reset();
  options.gates.no_speech.reset();
  options.gates.compression_ratio = setup.gates_fail ? -1.0 : 2.4;
  options.compression_ratio = [](std::span<const int> tokens) {
    return double(tokens.size() % 7) / 7;
  };
  return options;
}

constexpr size_t kWindows = 6;

// Prompts of several lengths; some with a text before them, some without timestamps.
std::vector<int> prompt_of(size_t index) {
  std::vector<int> prompt;
  if (index % 3 == 1) {
    prompt.push_back(152);
    for (size_t i = 0; i < 3 * (index % 6); ++i) prompt.push_back(int((7 * i + 11 * index) % 150));
  }
  prompt.push_back(151);
  if (index % 2 == 0) prompt.push_back(154);
  return prompt;
}

// A model and the windows it has encoded, each as often as asked for.
class Decoding {
 public:
  explicit Decoding(const Setup& setup)
      : options_(options_of(setup)),
        model_(golden().load(stream_, setup.type, int(kWindows) * 5)) {}

  WindowJob job(size_t index) {
    WindowJob job{
        .index = index, .prompt = prompt_of(index), .window = nullptr, .seed = 100 + index};
    job.window = std::make_unique<whisper::Window>(model_->new_window());
    // Six different recordings out of two: shifted in level.
    const OwnedTensor mel =
        maie::testing::copy_of(golden().expected(index % 2 == 0 ? "a.mel" : "b.mel"));
    for (float& value : mel.view().span<float>()) value += 0.05f * float(index);
    const Status status = model_->encode(mel.view(), *job.window);
    EXPECT_TRUE(status.ok()) << status.message();
    return job;
  }

  // Runs jobs that join before the step with the number given, until all are done.
  std::map<size_t, WindowOutcome> run(std::vector<std::pair<size_t, size_t>> joins) {
    DecodeBatch batch(*model_, threads_, options_);
    std::map<size_t, WindowOutcome> outcomes;
    size_t added = 0;
    for (size_t step = 0; added < joins.size() || batch.size() > 0; ++step) {
      for (const auto& [index, when] : joins) {
        if (when != step) continue;
        batch.add(job(index));
        ++added;
      }
      if (step > 1000) {
        ADD_FAILURE() << "the batch does not end";
        break;
      }
      auto done = batch.step();
      if (!done.has_value()) {
        ADD_FAILURE() << done.error().message();
        break;
      }
      for (WindowOutcome& outcome : *done) outcomes.emplace(outcome.index, std::move(outcome));
    }
    return outcomes;
  }

  whisper::Model& model() { return *model_; }

 private:
  ThreadPool threads_{2};
  Stream stream_{threads_};
  BatchOptions options_;
  std::unique_ptr<whisper::Model> model_;
};

void expect_same(const WindowOutcome& got, const WindowOutcome& want, const std::string& where) {
  EXPECT_EQ(got.decoded.tokens, want.decoded.tokens) << where;
  EXPECT_EQ(got.decoded.token_log_probs, want.decoded.token_log_probs) << where;
  EXPECT_EQ(got.decoded.sum_log_prob, want.decoded.sum_log_prob) << where;
  EXPECT_EQ(got.decoded.score, want.decoded.score) << where;
  EXPECT_EQ(got.decoded.no_speech_prob, want.decoded.no_speech_prob) << where;
  EXPECT_EQ(got.temperature, want.temperature) << where;
  EXPECT_EQ(got.compression_ratio, want.compression_ratio) << where;
  EXPECT_EQ(got.failed_gates, want.failed_gates) << where;
  EXPECT_EQ(got.prompt, want.prompt) << where;
  EXPECT_NE(got.window, nullptr) << where;
}

class DecodeBatchOf : public ::testing::TestWithParam<Setup> {};

TEST_P(DecodeBatchOf, AWindowDoesNotDependOnItsCompany) {
  Decoding decoding(GetParam());
  std::map<size_t, WindowOutcome> alone;
  size_t tokens = 0;
  for (size_t index = 0; index < kWindows; ++index) {
    auto outcomes = decoding.run({{index, 0}});
    ASSERT_EQ(outcomes.size(), 1u);
    tokens += outcomes.begin()->second.decoded.tokens.size();
    alone.merge(outcomes);
  }
  EXPECT_GT(tokens, 4 * kWindows) << "texts long enough to mean something";
  EXPECT_NE(alone.at(0).decoded.score, alone.at(2).decoded.score) << "windows are told apart";

  using Joins = std::vector<std::pair<size_t, size_t>>;  // window, step
  for (const Joins& joins : {Joins{{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}},
                             Joins{{5, 0}, {4, 1}, {3, 2}, {2, 3}, {1, 5}, {0, 8}},
                             Joins{{2, 0}, {0, 0}, {4, 7}, {1, 9}, {5, 9}, {3, 30}}}) {
    const auto together = decoding.run(joins);
    ASSERT_EQ(together.size(), kWindows);
    for (const auto& [index, outcome] : together) {
      expect_same(outcome, alone.at(index),
                  "window " + std::to_string(index) + " joining last at " +
                      std::to_string(joins.back().second));
    }
  }
}

const std::vector<double> kLadder = {0.0, 0.4, 0.8};

std::vector<Setup> setups() {
  return {
      {.type = ComputeType::kFloat32},
      {.type = ComputeType::kBFloat16, .beam_size = 3},
      {.type = ComputeType::kInt8},
      {.type = ComputeType::kInt8, .beam_size = 3},
      {.type = ComputeType::kInt8, .beam_size = 5, .temperatures = kLadder, .gates_fail = true},
      {.type = ComputeType::kFloat32, .temperatures = {0.7}},
  };
}
INSTANTIATE_TEST_SUITE_P(Setups, DecodeBatchOf, ::testing::ValuesIn(setups()),
                         [](const auto& info) { return name_of(info.param); });

TEST(DecodeBatch, TheLadderEndsWithTheLeastBadAttempt) {
  Decoding decoding({.temperatures = kLadder, .gates_fail = true});
  const auto outcomes = decoding.run({{0, 0}});
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_TRUE(outcomes.at(0).failed_gates);
  EXPECT_EQ(outcomes.at(0).temperature, 0.8);
  Decoding believing({.temperatures = kLadder});
  const auto first = believing.run({{0, 0}});
  EXPECT_FALSE(first.at(0).failed_gates);
  EXPECT_EQ(first.at(0).temperature, 0.0);
}

// Cells come back when windows leave: many windows in a row need no more room than a few.
TEST(DecodeBatch, RunsAnyNumberOfWindowsInTheRoomOfAFew) {
  Decoding decoding({.beam_size = 5});
  std::vector<std::pair<size_t, size_t>> joins;
  for (size_t i = 0; i < 40; ++i) joins.push_back({i, 4 * i});
  EXPECT_EQ(decoding.run(joins).size(), 40u);
}

TEST(DecodeBatch, WindowAndPromptComeBack) {
  Decoding decoding({});
  auto outcomes = decoding.run({{1, 0}});
  EXPECT_EQ(outcomes.at(1).prompt, prompt_of(1));
  ASSERT_NE(outcomes.at(1).window, nullptr);
  EXPECT_EQ(outcomes.at(1).window->size_bytes(), decoding.model().new_window().size_bytes());
}

TEST(DecodeBatch, AnEmptyBatchDoesNothing) {
  Decoding decoding({});
  EXPECT_TRUE(decoding.run({}).empty());
  ThreadPool threads(1);
  const BatchOptions options = options_of({});
  DecodeBatch batch(decoding.model(), threads, options);
  auto done = batch.step();
  ASSERT_TRUE(done.has_value()) << done.error().message();
  EXPECT_TRUE(done->empty());
}

}  // namespace
}  // namespace maie::pipeline
