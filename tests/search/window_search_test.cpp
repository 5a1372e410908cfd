#include "search/window_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

#include "base/check.h"
#include "tests/search/golden.h"

namespace maie::search {
namespace {

constexpr int kV = TableModel::kV;
constexpr float kForbidden = -std::numeric_limits<float>::infinity();

// Runs a search, checking on the way that rows() tells a consistent story: replaying parents must
// give back the tokens of the outcome.
Outcome run(const TableModel& model, WindowSearch& search) {
  const auto prompt = search.prompt();
  std::vector<float> logits(kV);
  if (const int at = search.no_speech_position(); at >= 0) {
    model.logits(prompt[at], at, logits.data());
    search.set_no_speech_logits(logits);
  }
  model.logits(prompt.back(), static_cast<int>(prompt.size()) - 1, logits.data());
  search.advance(logits);
  std::vector<std::vector<int>> histories(1);
  while (!search.done()) {
    const std::vector<Row> rows(search.rows().begin(), search.rows().end());
    std::vector<std::vector<int>> next;
    logits.resize(rows.size() * kV);
    for (size_t r = 0; r < rows.size(); ++r) {
      next.push_back(histories.at(rows[r].parent));
      next.back().push_back(rows[r].token);
      EXPECT_EQ(rows[r].position, static_cast<int>(prompt.size() + next.back().size()) - 1);
      model.logits(rows[r].token, rows[r].position, logits.data() + r * kV);
    }
    histories = std::move(next);
    search.advance(logits);
  }
  EXPECT_TRUE(search.rows().empty());
  return search.outcome();
}

SearchOptions exact() {
  SearchOptions options;
  options.rules = TableModel::rules();
  options.repetition_stop.enabled = false;
  return options;
}

TEST(WindowSearch, DecodesWhatCTranslate2Decodes) {
  std::map<std::tuple<int, float, float>, TableModel> models;
  int compared = 0;
  const auto cases = golden("decode.json");
  ASSERT_FALSE(cases.empty());
  for (const auto& c : cases) {
    const auto key = std::make_tuple(c["seed"].get<int>(), c.value("eot_bias", 2.0f),
                                     c.value("time_bias", -3.0f));
    const TableModel& model =
        models.try_emplace(key, std::get<0>(key), std::get<1>(key), std::get<2>(key)).first->second;
    SearchOptions options = exact();
    options.beam_size = c["beam_size"];
    options.patience = c.value("patience", 1.0f);
    options.length_penalty = c.value("length_penalty", 1.0f);
    options.max_new_tokens = c.value("max_new_tokens", 0);
    options.rules.repetition_penalty = c.value("repetition_penalty", 1.0f);
    options.rules.no_repeat_ngram_size = c.value("no_repeat_ngram_size", 0);
    options.rules.max_initial_timestamp_index = c.value("max_initial_timestamp_index", 50);
    WindowSearch search(c["prompt"].get<std::vector<int>>(), TableModel::ids(), options);
    const Outcome got = run(model, search);
    const auto want = c["tokens"].get<std::vector<int>>();
    auto label = c;
    label.erase("tokens");
    EXPECT_EQ(got.tokens, want) << label.dump();
    EXPECT_EQ(got.token_log_probs.size(), got.tokens.size());
    EXPECT_NEAR(got.score, c["score"].get<double>(), 1e-4) << label.dump();
    EXPECT_NEAR(got.no_speech_prob, c["no_speech_prob"].get<double>(), 1e-6);
    ++compared;
  }
  EXPECT_GE(compared, 200);
}

// Inverts the cumulative distribution in plain double arithmetic: the oracle of sampling.
struct PlainSample {
  std::vector<int> tokens;
  double sum = 0;
};
PlainSample plain_sample(const TableModel& model, const std::vector<int>& prompt,
                         double temperature, uint64_t seed, int sample, int steps) {
  PlainSample out;
  std::vector<float> row(kV);
  for (int step = 0; step < steps; ++step) {
    const int last = out.tokens.empty() ? prompt.back() : out.tokens.back();
    model.logits(last, static_cast<int>(prompt.size()) - 1 + step, row.data());
    apply_rules(row, out.tokens, 0, true, TableModel::ids(), TableModel::rules());
    double mass = 0, plain_mass = 0;
    for (const float v : row) mass += std::exp(v / temperature), plain_mass += std::exp(double(v));
    double left = uniform_at(seed, sample, step) * mass;
    int id = 0;
    while (id + 1 < kV && (left -= std::exp(row[id] / temperature)) >= 0) ++id;
    out.sum += row[id] - std::log(plain_mass);
    if (id == TableModel::ids().eot) break;
    out.tokens.push_back(id);
  }
  return out;
}

TEST(WindowSearch, SamplesFollowTheirOwnUniformsAndTheBestIsReturned) {
  const TableModel model(2, 1.0f, -3.0f);
  const std::vector<int> prompt = {81, 82, 85};
  for (uint64_t seed = 0; seed < 10; ++seed) {
    SearchOptions options = exact();
    options.temperature = 0.8f;
    options.best_of = 4;
    options.seed = seed;
    WindowSearch search(prompt, TableModel::ids(), options);
    const Outcome got = run(model, search);
    PlainSample best;
    double best_score = -1e30;
    for (int s = 0; s < 4; ++s) {
      const PlainSample sample = plain_sample(model, prompt, 0.8f, seed, s, 224);
      const double score =
          sample.tokens.empty() ? -1e29 : sample.sum / double(sample.tokens.size());
      if (score > best_score) best = sample, best_score = score;
    }
    EXPECT_EQ(got.tokens, best.tokens) << seed;
    EXPECT_NEAR(got.sum_log_prob, best.sum, 1e-4 * (1 + std::abs(best.sum)));
    EXPECT_NEAR(got.avg_log_prob, best.sum / double(best.tokens.size() + 1), 1e-4);
  }
}

TEST(WindowSearch, SamplesWithAForcedPrefixStartAfterIt) {
  const TableModel model(3, 1.0f, -3.0f);
  SearchOptions options = exact();
  options.temperature = 1;
  WindowSearch search({81, 82, 85, 90, 20, 21}, TableModel::ids(), options);
  const Outcome got = run(model, search);
  ASSERT_GE(got.tokens.size(), 3u);
  EXPECT_EQ(std::vector<int>(got.tokens.begin(), got.tokens.begin() + 3),
            (std::vector<int>{90, 20, 21}));
}

// Says the tokens of a script, whatever was said before.
Outcome recite(const std::vector<int>& script, SearchOptions options, int* steps = nullptr) {
  WindowSearch search({81, 82, 85}, TableModel::ids(), options);
  for (size_t i = 0; !search.done(); ++i) {
    const size_t rows = i == 0 ? 1 : search.rows().size();
    std::vector<float> logits(rows * kV, 0.0f);
    for (size_t r = 0; r < rows; ++r) logits[r * kV + script.at(i)] = 20;
    search.advance(logits);
    if (steps) ++*steps;
  }
  return search.outcome();
}

TEST(WindowSearch, CutsALoopWhileItRunsAndSaysSo) {
  std::vector<int> script = {90, 5, 6, 8};
  while (script.size() < 223) script.insert(script.end(), {40, 41, 42, 43});
  script.resize(224, 40);
  SearchOptions options;
  options.rules = TableModel::rules();
  for (const int beam : {1, 5}) {
    options.beam_size = beam;
    int steps = 0;
    const Outcome got = recite(script, options, &steps);
    EXPECT_TRUE(got.stopped_repetition);
    EXPECT_FALSE(got.reached_limit);
    EXPECT_EQ(got.tokens, (std::vector<int>{90, 5, 6, 8, 40, 41, 42, 43})) << beam;
    EXPECT_EQ(got.token_log_probs.size(), got.tokens.size());
    EXPECT_LT(steps, 45);
  }
  options.repetition_stop.enabled = false;
  int steps = 0;
  const Outcome full = recite(script, options, &steps);
  EXPECT_EQ(steps, 224);
  EXPECT_EQ(full.tokens.size(), 224u);
  EXPECT_FALSE(full.stopped_repetition);
  EXPECT_TRUE(full.reached_limit);
}

TEST(WindowSearch, AnEmptyOutputHasNoAverage) {
  std::vector<int> script(224, 80);
  SearchOptions options;  // no rules: the end may come first
  options.rules.max_initial_timestamp_index = -1;
  WindowSearch search({81, 89}, TableModel::ids(), options);
  std::vector<float> logits(kV, 0.0f);
  logits[80] = 30;
  search.advance(logits);
  while (!search.done()) {
    logits.assign(search.rows().size() * kV, -1.0f);
    for (size_t r = 0; r < search.rows().size(); ++r) logits[r * kV + 80] = 30;
    search.advance(logits);
  }
  // Beside the empty hypothesis there are improbable ones with one token: those rank higher, as
  // length 0 scores -inf.
  EXPECT_EQ(search.outcome().tokens.size(), 1u);
  options.beam_size = 1;
  WindowSearch greedy({81, 89}, TableModel::ids(), options);
  logits.assign(kV, 0.0f);
  logits[80] = 30;
  greedy.advance(logits);
  ASSERT_TRUE(greedy.done());
  EXPECT_TRUE(greedy.outcome().tokens.empty());
  EXPECT_TRUE(std::isnan(greedy.outcome().avg_log_prob));
}

TEST(WindowSearch, EndsWhenEverythingIsForbidden) {
  for (const float temperature : {0.0f, 1.0f}) {
    SearchOptions options;
    options.temperature = temperature;
    WindowSearch search({81, 82, 85}, TableModel::ids(), options);
    std::vector<float> logits(kV, kForbidden);
    search.advance(logits);
    ASSERT_TRUE(search.done());
    EXPECT_TRUE(search.outcome().tokens.empty());
  }
}

TEST(WindowSearch, StartPositionOfNoSpeech) {
  const TokenIds ids = TableModel::ids();
  EXPECT_EQ(WindowSearch({81}, ids, {}).no_speech_position(), -1);
  EXPECT_EQ(WindowSearch({81, 82, 85}, ids, {}).no_speech_position(), 0);
  EXPECT_EQ(WindowSearch({87, 4, 81, 82, 85, 90, 4}, ids, {}).no_speech_position(), 2);
  EXPECT_EQ(WindowSearch({87, 4, 81, 82, 85, 90, 4}, ids, {}).prompt().size(), 5u);
  TokenIds without = ids;
  without.no_speech = -1;
  EXPECT_EQ(WindowSearch({81, 82, 85}, without, {}).no_speech_position(), -1);
  without.no_timestamps = without.timestamp_begin = -1;
  EXPECT_EQ(WindowSearch({81, 82}, without, {}).prompt().size(), 2u);
}

TEST(WindowSearch, RefusesMisuse) {
  const TokenIds ids = TableModel::ids();
  EXPECT_THROW(WindowSearch({}, ids, {}), ContractError);
  EXPECT_THROW(WindowSearch({kV}, ids, {}), ContractError);
  SearchOptions none;
  none.beam_size = 0;
  EXPECT_THROW(WindowSearch({81}, ids, none), ContractError);
  WindowSearch search({81, 82, 85}, ids, {});
  std::vector<float> short_row(kV - 1);
  EXPECT_THROW(search.advance(short_row), ContractError);
  EXPECT_THROW(search.outcome(), ContractError);
  SearchOptions full;
  full.max_length = 64;
  WindowSearch no_room(std::vector<int>(70, 81), ids, full);
  EXPECT_TRUE(no_room.done());
  EXPECT_TRUE(no_room.outcome().reached_limit);
}

TEST(Seeds, UniformsAreSpreadAndDoNotDependOnOrder) {
  double sum = 0;
  std::vector<int> bins(16);
  for (int i = 0; i < 16000; ++i) {
    const double u = uniform_at(1, i % 7, i);
    ASSERT_TRUE(u >= 0 && u < 1);
    sum += u;
    ++bins[static_cast<int>(u * 16)];
  }
  EXPECT_NEAR(sum / 16000, 0.5, 0.01);
  for (const int count : bins) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(uniform_at(5, 2, 9), uniform_at(5, 2, 9));
  EXPECT_NE(uniform_at(5, 2, 9), uniform_at(5, 9, 2));
  EXPECT_NE(derive_seed(1, 2), derive_seed(2, 1));
}

}  // namespace
}  // namespace maie::search
