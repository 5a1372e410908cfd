#include "search/row_math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "search/window_search.h"
#include "tests/search/golden.h"

namespace maie::search {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

std::vector<float> row_of(size_t size, uint64_t seed) {
  std::vector<float> row = golden_numbers(seed, 3, size);
  for (float& v : row) v = v * 20 - 5;
  return row;
}

double exact_log_sum_exp(const std::vector<float>& row) {
  double top = kForbidden, sum = 0;
  for (const float v : row) top = std::max<double>(top, v);
  if (top == kForbidden) return top;
  for (const float v : row) sum += std::exp(v - top);
  return top + std::log(sum);
}

TEST(RowMath, AgreesWithDoubleLoopsOnAwkwardSizes) {
  for (const size_t size : {1, 2, 7, 15, 16, 17, 31, 63, 64, 65, 127, 1000, 51865}) {
    std::vector<float> row = row_of(size, size);
    for (size_t i = 0; i < size; i += 5) row[i] = size > 1 && i ? kForbidden : row[i];
    EXPECT_EQ(row_max(row), *std::max_element(row.begin(), row.end())) << size;
    const double want = exact_log_sum_exp(row);
    EXPECT_NEAR(log_sum_exp(row), want, 2e-6 * std::max(1.0, std::abs(want))) << size;
    std::vector<float> normal = row;
    log_softmax_in_place(normal);
    for (size_t i = 0; i < size; ++i) {
      if (row[i] == kForbidden) {
        EXPECT_EQ(normal[i], kForbidden);
      } else {
        EXPECT_NEAR(normal[i], row[i] - want, 1e-4) << size;
      }
    }
  }
}

TEST(RowMath, ForbiddenAndEmptyRows) {
  EXPECT_EQ(row_max({}), kForbidden);
  EXPECT_EQ(log_sum_exp({}), kForbidden);
  std::vector<float> row(100, kForbidden);
  EXPECT_EQ(log_sum_exp(row), kForbidden);
  log_softmax_in_place(row);
  EXPECT_EQ(row[50], kForbidden);
  std::vector<Candidate> top;
  top_k(row, 5, top);
  EXPECT_TRUE(top.empty());
  std::vector<float> scratch;
  EXPECT_EQ(sample_row(row, 1, 0.5, scratch), -1);
  row[70] = -1000;  // far below anything, but alone
  EXPECT_NEAR(log_sum_exp(row), -1000, 1e-3);
  EXPECT_EQ(sample_row(row, 1, 0.999999999, scratch), 70);
  EXPECT_EQ(sample_row(row, 1, 0, scratch), 70);
}

TEST(RowMath, LogAddExpIsExactAtMinusInfinity) {
  EXPECT_EQ(log_add_exp(kForbidden, kForbidden), kForbidden);
  EXPECT_EQ(log_add_exp(kForbidden, 2), 2);
  EXPECT_EQ(log_add_exp(2, kForbidden), 2);
  EXPECT_NEAR(log_add_exp(1, 3), std::log(std::exp(1.0) + std::exp(3.0)), 1e-6);
}

TEST(TopK, EqualsASortAndPrefersLowIdsOnTies) {
  for (const size_t size : {1, 3, 64, 129, 500, 51865}) {
    for (const int levels : {0, 4}) {
      std::vector<float> row = row_of(size, size + 1);
      if (levels > 0) {
        for (float& v : row) v = std::floor(v / 8);  // a handful of values: ties everywhere
      }
      std::vector<int> order(size);
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return row[a] > row[b]; });
      std::vector<Candidate> top;
      for (const int k : {0, 1, 10, 40}) {
        top_k(row, k, top);
        ASSERT_EQ(top.size(), std::min<size_t>(k, size));
        for (size_t i = 0; i < top.size(); ++i) {
          EXPECT_EQ(top[i].id, order[i]) << size << " " << k;
          EXPECT_EQ(top[i].value, row[order[i]]);
        }
      }
    }
  }
}

TEST(SampleRow, InvertsTheCumulativeDistribution) {
  const std::vector<float> row = row_of(1000, 9);
  std::vector<float> scratch;
  for (const float inverse : {1.0f, 2.5f}) {
    std::vector<double> cumulative(row.size());
    double sum = 0;
    for (size_t i = 0; i < row.size(); ++i)
      cumulative[i] = sum += std::exp(double(row[i]) * inverse);
    for (int i = 0; i < 2000; ++i) {
      const double uniform = uniform_at(3, 0, i);
      const int got = sample_row(row, inverse, uniform, scratch);
      // Single precision may move a border by 1e-6 of the mass, not further.
      const double low = got > 0 ? cumulative[got - 1] / sum : 0, high = cumulative[got] / sum;
      EXPECT_TRUE(uniform >= low - 2e-6 && uniform <= high + 2e-6) << got;
    }
  }
}

// chi-squared over 12 classes of which one is forbidden: 10 degrees of freedom; 29.6 is p = 0.001.
TEST(SampleRow, FrequenciesFollowTheTemperedSoftmax) {
  std::vector<float> row = {0, 1, 2, -1, 0.5f, kForbidden, 1.5f, 0.2f, -0.3f, 0.9f, 1.1f, 0.4f};
  const double temperature = 0.7;
  constexpr int kDraws = 40000;
  std::vector<int> seen(row.size());
  std::vector<float> scratch;
  for (int i = 0; i < kDraws; ++i) {
    ++seen[sample_row(row, float(1 / temperature), uniform_at(11, i % 5, i / 5), scratch)];
  }
  double sum = 0, chi = 0;
  for (const float v : row) sum += std::exp(v / temperature);
  for (size_t i = 0; i < row.size(); ++i) {
    const double want = kDraws * std::exp(row[i] / temperature) / sum;
    if (want > 0) chi += (seen[i] - want) * (seen[i] - want) / want;
  }
  EXPECT_EQ(seen[5], 0);
  EXPECT_LT(chi, 29.6);
}

}  // namespace
}  // namespace maie::search
