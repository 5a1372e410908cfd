// The sampler against the order of docs/spec/models.md 6.6 written down with full sorts in double.
#include "search/token_sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>

namespace maie::search {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

std::vector<float> random_row(std::mt19937& random, size_t size, float deviation = 3) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> row(size);
  for (float& value : row) value = normal(random);
  return row;
}

// What may be drawn, with probabilities, by id.
std::map<int, double> reference(std::vector<float> row, const SamplingRules& rules) {
  std::vector<int> order;
  for (size_t i = 0; i < row.size(); ++i) {
    if (row[i] > kForbidden) order.push_back(int(i));
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return row[size_t(a)] > row[size_t(b)]; });
  const double top = row[size_t(order[0])];
  const auto weight = [&](int id) {
    return std::exp((double(row[size_t(id)]) - top) / rules.temperature);
  };
  if (rules.min_p > 0) std::erase_if(order, [&](int id) { return weight(id) < rules.min_p; });
  if (rules.top_k > 0 && size_t(rules.top_k) < order.size()) {
    const float last = row[size_t(order[size_t(rules.top_k) - 1])];
    std::erase_if(order, [&](int id) { return row[size_t(id)] < last; });
  }
  const auto total = [&] {
    double sum = 0;
    for (const int id : order) sum += weight(id);
    return sum;
  };
  if (rules.top_p < 1) {
    // From the least likely up: gone while the sum is at most 1 - p, the likeliest stays.
    const double all = total();
    double sum = 0;
    while (order.size() > 1 && (sum += weight(order.back()) / all) <= 1 - rules.top_p) {
      order.pop_back();
    }
  }
  std::map<int, double> out;
  const double all = total();
  for (const int id : order) out[id] = weight(id) / all;
  return out;
}

void expect_reference(const std::vector<float>& row, const SamplingRules& rules,
                      const std::string& what) {
  TokenSampler sampler;
  const auto want = reference(row, rules);
  const auto got = sampler.candidates(row, rules);
  ASSERT_EQ(got.size(), want.size()) << what;
  float last = 2;
  for (const Candidate& one : got) {
    ASSERT_TRUE(want.count(one.id)) << what << ": " << one.id;
    ASSERT_NEAR(one.value, want.at(one.id), 1e-6) << what;
    ASSERT_LE(one.value, last);
    last = one.value;
  }
}

TEST(TokenSampler, KeepsWhatFullSortsKeep) {
  std::mt19937 random(3);
  for (int round = 0; round < 400; ++round) {
    const size_t size = 1 + random() % 700;
    std::vector<float> row = random_row(random, size);
    for (float& value : row) {
      if (random() % 5 == 0) value = kForbidden;
      if (random() % 4 == 0) value = std::round(value);  // ties
    }
    row[random() % size] = 1;
    SamplingRules rules;
    rules.temperature = 0.2 + double(random() % 20) / 10;
    if (random() % 2) rules.top_k = 1 + int(random() % 100);
    if (random() % 2) rules.top_p = double(1 + random() % 99) / 100;
    if (random() % 3 == 0) rules.min_p = double(random() % 50) / 100;
    expect_reference(row, rules, std::to_string(round));
  }
}

TEST(TokenSampler, FlatRowsKeepTheirShare) {
  // Nothing stands out, so that the margin below the top has to grow to the whole row.
  std::mt19937 random(4);
  for (const double temperature : {0.5, 1.0, 20.0}) {
    expect_reference(random_row(random, 5000, 0.01f), {.temperature = temperature, .top_p = 0.95},
                     "flat");
  }
}

TEST(TokenSampler, GreedyTakesTheLowestOfEquals) {
  TokenSampler sampler;
  std::vector<float> row(1000, -1);
  row[700] = row[300] = 2;
  EXPECT_EQ(sampler.choose(row, {.temperature = 0}, 0), 300);
  EXPECT_EQ(sampler.choose(row, {.temperature = 0.9e-5}, 0), 300);
}

TEST(TokenSampler, NothingAllowedIsSaid) {
  TokenSampler sampler;
  const std::vector<float> none(50, kForbidden), broken(50, std::nanf(""));
  for (const double temperature : {0.0, 1.0}) {
    EXPECT_EQ(sampler.choose(none, {.temperature = temperature}, 0), -1);
    EXPECT_EQ(sampler.choose(broken, {.temperature = temperature}, 0), -1);
    EXPECT_EQ(sampler.choose({}, {.temperature = temperature}, 0), -1);
  }
}

TEST(TokenSampler, DrawsDependOnSeedAndPositionAlone) {
  std::mt19937 random(5);
  const std::vector<float> row = random_row(random, 300), other = random_row(random, 300);
  TokenSampler one, two;
  const SamplingRules rules{.temperature = 1, .top_p = 0.9, .seed = 8};
  std::vector<int> forward;
  for (uint64_t i = 0; i < 50; ++i) forward.push_back(one.choose(row, rules, i));
  for (uint64_t i = 50; i-- > 0;) {
    two.choose(other, rules, i + 3);
    EXPECT_EQ(two.choose(row, rules, i), forward[i]);
  }
  EXPECT_GT(std::set<int>(forward.begin(), forward.end()).size(), 5u);
}

// Pearson's test. With n cells chi-square has mean n-1 and deviation sqrt(2(n-1)); six deviations
// above it a right sampler comes once in far more runs than there will be.
TEST(TokenSampler, DrawsFollowTheDistribution) {
  std::mt19937 random(6);
  const std::vector<float> row = random_row(random, 40, 1);
  for (const SamplingRules& rules :
       {SamplingRules{.temperature = 1}, SamplingRules{.temperature = 0.6},
        SamplingRules{.temperature = 1.3, .top_k = 12},
        SamplingRules{.temperature = 1, .top_p = 0.8},
        SamplingRules{.temperature = 1, .min_p = 0.1}}) {
    const auto want = reference(row, rules);
    TokenSampler sampler;
    std::map<int, int> counts;
    const int draws = 40000;
    for (int i = 0; i < draws; ++i) ++counts[sampler.choose(row, rules, uint64_t(i))];
    double chi_square = 0;
    for (const auto& [id, share] : want) {
      const double expected = share * draws;
      chi_square += (counts[id] - expected) * (counts[id] - expected) / expected;
    }
    const double freedom = double(want.size() - 1);
    EXPECT_LE(chi_square, freedom + 6 * std::sqrt(2 * freedom)) << rules.temperature;
    for (const auto& [id, count] : counts) EXPECT_TRUE(want.count(id)) << id;
  }
}

TEST(TokenSampler, UniformNumbersAreUniform) {
  std::vector<int> bins(64);
  for (uint64_t seed = 0; seed < 100; ++seed) {
    for (uint64_t i = 0; i < 1000; ++i) {
      const double u = uniform_at(seed, i);
      ASSERT_TRUE(u >= 0 && u < 1);
      ++bins[size_t(u * 64)];
    }
  }
  double chi_square = 0;
  for (const int count : bins) chi_square += std::pow(count - 1562.5, 2) / 1562.5;
  EXPECT_LE(chi_square, 63 + 6 * std::sqrt(2 * 63.0));
}

TEST(TokenPenalties, AreThoseOfTheSpecification) {
  std::mt19937 random(7);
  const SamplingRules rules{
      .repetition_penalty = 1.3, .frequency_penalty = 0.25, .presence_penalty = 0.5};
  const std::vector<int32_t> prompt = {3, 5, 5, 9};
  TokenPenalties penalties(rules, prompt);
  const std::vector<int32_t> answer = {5, 11, 11, 11, 2};
  for (const int32_t token : answer) penalties.count(token);
  std::vector<float> row = random_row(random, 20);
  row[3] = kForbidden;
  std::vector<float> want = row;
  for (int id = 0; id < 20; ++id) {
    float& logit = want[size_t(id)];
    const auto written = std::count(answer.begin(), answer.end(), id);
    if (written > 0 || std::count(prompt.begin(), prompt.end(), id) > 0) {
      logit = logit > 0 ? logit / 1.3f : logit * 1.3f;
    }
    logit -= 0.25f * float(written) + (written > 0 ? 0.5f : 0);
  }
  penalties.apply(row);
  for (size_t i = 0; i < row.size(); ++i) EXPECT_FLOAT_EQ(row[i], want[i]) << i;
}

TEST(TokenPenalties, NoneChangeNothing) {
  std::mt19937 random(8);
  std::vector<float> row = random_row(random, 20);
  const std::vector<float> before = row;
  TokenPenalties penalties({}, std::vector<int32_t>{1, 2});
  penalties.count(2);
  penalties.apply(row);
  EXPECT_EQ(row, before);
}

TEST(ForbidUnset, LeavesWhatIsAllowed) {
  std::mt19937 random(9);
  for (const size_t size : {1u, 31u, 32u, 33u, 100u, 257u}) {
    for (const size_t words : {size_t{0}, size / 64, (size + 31) / 32}) {
      std::vector<uint32_t> bits(words);
      for (uint32_t& word : bits) word = random() % 3 == 0 ? ~0u : random() % 3 == 0 ? 0 : random();
      std::vector<float> row = random_row(random, size);
      const std::vector<float> before = row;
      forbid_unset(bits, row);
      for (size_t i = 0; i < size; ++i) {
        const bool allowed = i / 32 < words && (bits[i / 32] >> (i % 32) & 1) != 0;
        EXPECT_EQ(row[i], allowed ? before[i] : kForbidden);
      }
    }
  }
}

// Figures are printed, not judged: tests are not timed.
TEST(TokenSampler, CostOfAChoiceIsPrinted) {
  std::mt19937 random(10);
  const std::vector<float> row = random_row(random, 151936);
  TokenSampler sampler;
  for (const auto& [name, rules] :
       {std::pair{"greedy", SamplingRules{.temperature = 0}},
        {"plain", SamplingRules{.temperature = 1}},
        {"top-k 20, top-p 0.8", SamplingRules{.temperature = 0.7, .top_k = 20, .top_p = 0.8}},
        {"top-p 0.95", SamplingRules{.temperature = 0.6, .top_p = 0.95}},
        {"min-p 0.05", SamplingRules{.temperature = 1, .min_p = 0.05}}}) {
    const auto begin = std::chrono::steady_clock::now();
    for (uint64_t i = 0; i < 20; ++i) EXPECT_GE(sampler.choose(row, rules, i), 0);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::cout << name << ": " << 1e6 * took.count() / 20 << " us for 151,936 logits\n";
  }
}

}  // namespace
}  // namespace maie::search
