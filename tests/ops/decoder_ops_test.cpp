// The ops of the language models between their products: rms_norm, rotary, swiglu, paged_attention
// (whose numbers tests/kernels/paged_attention_test.cpp checks).
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/reference/grouped_attention.h"
#include "kernels/reference/rms_norm.h"
#include "kernels/reference/rotary.h"
#include "kernels/reference/swiglu.h"
#include "ops/embed.h"
#include "ops/paged_attention.h"
#include "ops/rms_norm.h"
#include "ops/rotary.h"
#include "ops/swiglu.h"
#include "tests/kernels/attention_error.h"
#include "tests/kernels/closeness.h"

namespace maie::ops {
namespace {

using maie::testing::attention_error;
using maie::testing::close;
using maie::testing::copy_of;
using maie::testing::kUnit;
using maie::testing::random_tensor;
using maie::testing::same_bits;
using maie::testing::sum_error;
using maie::testing::unwritten;

constexpr int64_t kWidths[] = {1, 2, 7, 15, 16, 17, 31, 32, 33, 64, 128, 320, 1280};
constexpr int64_t kRows[] = {0, 1, 3, 70};

class DecoderOps : public ::testing::Test {
 protected:
  ThreadPool threads_{2};
  Stream s_{threads_};
};

// The root halves the relative error of the sum; the factor and two products round five times.
double rms_norm_error(int64_t C) { return sum_error(C) / 2 + 6 * kUnit; }

TEST_F(DecoderOps, RmsNormMatchesReference) {
  for (const int64_t C : kWidths) {
    const OwnedTensor weight = random_tensor({C}, 2, 1);
    for (const int64_t R : kRows) {
      const OwnedTensor x = random_tensor({R, C}, 3, 2), want = unwritten({R, C}),
                        y = unwritten({R, C});
      reference::rms_norm(x.view(), weight.view(), 1e-6f, want.view());
      rms_norm(s_, x.view(), weight.view(), y.view());
      const auto expected = want.view().span<float>();
      const auto allowed = [&](size_t i) {
        return std::abs(double(expected[i])) * rms_norm_error(C);
      };
      EXPECT_TRUE(close(y.view().span<float>(), expected, allowed)) << R << " x " << C;
      const OwnedTensor in_place = copy_of(x.view());
      rms_norm(s_, in_place.view(), weight.view(), in_place.view());
      EXPECT_TRUE(same_bits(in_place.view().span<float>(), y.view().span<float>()));
    }
  }
}

TEST_F(DecoderOps, RmsNormOfZerosIsZeroAndEpsIsTheModels) {
  const OwnedTensor weight = random_tensor({33}, 1, 1), zeros = random_tensor({2, 33}, 0, 1);
  const OwnedTensor y = unwritten({2, 33});
  rms_norm(s_, zeros.view(), weight.view(), y.view());
  for (const float value : y.view().span<float>()) EXPECT_EQ(value, 0.0f);
  // With an eps as large as the mean square the result shrinks by the root of two.
  OwnedTensor ones({}, DType::kF32, {1, 4}), unit({}, DType::kF32, {4});
  for (float& value : ones.view().span<float>()) value = 1;
  for (float& value : unit.view().span<float>()) value = 1;
  rms_norm(s_, ones.view(), unit.view(), ones.view(), 1.0f);
  for (const float value : ones.view().span<float>()) EXPECT_NEAR(value, 0.70710678, 1e-7);
}

TEST_F(DecoderOps, RmsNormTakesHeadsAsRows) {
  const OwnedTensor x = random_tensor({5, 3, 16}, 1, 1), weight = random_tensor({16}, 1, 2);
  const OwnedTensor want = unwritten({5, 3, 16}), y = unwritten({5, 3, 16});
  reference::rms_norm(x.view(), weight.view(), 1e-6f, want.view());
  rms_norm(s_, x.view(), weight.view(), y.view());
  EXPECT_TRUE(close(y.view(), want.view(), 4 * rms_norm_error(16)));
}

OwnedTensor frequencies_of(int64_t D, double theta) {
  OwnedTensor frequencies({}, DType::kF32, {D / 2});
  for (int64_t i = 0; i < D / 2; ++i) {
    frequencies.view().data<float>()[i] = float(std::pow(theta, -2.0 * double(i) / double(D)));
  }
  return frequencies;
}

TEST_F(DecoderOps, RotaryMatchesReference) {
  for (const int64_t D : {2, 6, 16, 34, 64, 128}) {
    const OwnedTensor frequencies = frequencies_of(D, 1e6);
    const OwnedTensor query_norm = random_tensor({D}, 2, 3), key_norm = random_tensor({D}, 2, 4);
    for (const bool with_norms : {false, true}) {
      for (const auto& [heads, kv_heads] : {std::pair{1, 1}, {3, 1}, {8, 4}}) {
        for (const int64_t R : kRows) {
          std::vector<int32_t> positions;
          for (int64_t r = 0; r < R; ++r) positions.push_back(int32_t(r * 977 % 262144));
          const int64_t N = heads + 2 * kv_heads;
          const OwnedTensor x = random_tensor({R, N * D}, 2, 1);
          RotaryOptions options{heads, kv_heads, {}, {}, 1e-6f};
          if (with_norms) {
            options.query_norm = query_norm.view();
            options.key_norm = key_norm.view();
          }
          // Head by head, each as a tensor of its own; the values are left alone.
          const OwnedTensor want = copy_of(x.view());
          for (int64_t r = 0; r < R; ++r) {
            for (int head = 0; head < heads + kv_heads; ++head) {
              const Tensor one(want.view().data<float>() + (r * N + head) * D, DType::kF32, {1, D},
                               {});
              const OwnedTensor& norm = head < heads ? query_norm : key_norm;
              if (with_norms) reference::rms_norm(one, norm.view(), 1e-6f, one);
              reference::rotary(std::span(positions).subspan(size_t(r), 1), frequencies.view(),
                                one);
            }
          }
          rotary(s_, positions, frequencies.view(), options, x.view());
          // Two products of at most 2 (2 sqrt(D) behind a norm with weights up to 2).
          const double most = with_norms ? 2 * std::sqrt(double(D)) : 2;
          const double allowed = 2 * most * (4 * kUnit + (with_norms ? rms_norm_error(D) : 0));
          EXPECT_TRUE(close(x.view(), want.view(), allowed)) << D << ", " << heads << ", " << R;
        }
      }
    }
  }
}

TEST_F(DecoderOps, RotaryTurnsByDifferencesOfPositions) {
  // What attention sees, the product of a query and a key, depends on their distance alone.
  const OwnedTensor frequencies = frequencies_of(64, 1e4);
  const auto product = [&](int32_t of_query, int32_t of_key) {
    const OwnedTensor at_query = random_tensor({1, 3 * 64}, 1, 1),
                      at_key = copy_of(at_query.view());
    rotary(s_, std::vector{of_query}, frequencies.view(), {}, at_query.view());
    rotary(s_, std::vector{of_key}, frequencies.view(), {}, at_key.view());
    const auto q = at_query.view().span<float>().first(64);
    const auto k = at_key.view().span<float>().subspan(64, 64);
    return std::inner_product(q.begin(), q.end(), k.begin(), 0.0);
  };
  EXPECT_NEAR(product(7, 3), product(107, 103), 64 * 107 * 2 * kUnit);
  EXPECT_GT(std::abs(product(7, 3) - product(7, 4)), 1e-3);
}

TEST_F(DecoderOps, SwigluMatchesReference) {
  // exp is off by 3e-7 of itself at most (its series, and a few roundings), and comes in twice.
  constexpr double kRelative = 6e-7 + 6 * kUnit;
  for (const int64_t F : kWidths) {
    for (const int64_t R : kRows) {
      for (const float scale : {1.0f, 20.0f, 200.0f}) {
        const OwnedTensor gate_up = random_tensor({R, 2 * F}, scale, 1);
        const OwnedTensor want = unwritten({R, F}), y = unwritten({R, F});
        reference::swiglu(gate_up.view(), want.view());
        swiglu(s_, gate_up.view(), y.view());
        const auto expected = want.view().span<float>();
        const auto allowed = [&](size_t i) {
          return std::abs(double(expected[i])) * kRelative + 1e-30;  // below 2^-126 is nothing
        };
        EXPECT_TRUE(close(y.view().span<float>(), expected, allowed)) << R << " x " << F;
      }
    }
  }
}

TEST_F(DecoderOps, PagedAttentionReadsAPromptAndGoesOn) {
  constexpr int kHeads = 4, kKvHeads = 2;
  constexpr int64_t D = 16, kPrompt = 70, T = kPrompt + 2;
  const OwnedTensor qkv = random_tensor({T, (kHeads + 2 * kKvHeads) * D}, 2, 1);
  const OwnedTensor want = unwritten({T, kHeads * D}), y = unwritten({T, kHeads * D});
  reference::grouped_attention(qkv.view(), kHeads, kKvHeads, want.view());
  const KvPages pages({}, DType::kF32, 3, kKvHeads, D);
  const std::vector<int32_t> own = {2, 0};
  int64_t done = 0;
  for (const int64_t rows : {kPrompt, int64_t{1}, int64_t{1}}) {
    const std::vector<SequenceRows> sequences = {{own, done, rows}};
    Arena measure = Arena::measuring({});
    {
      Stream dry = Stream::dry_run({});
      paged_attention(dry, qkv.view().rows(done, rows), sequences,
                      {.heads = kHeads, .type = ComputeType::kFloat32}, pages, measure,
                      y.view().rows(done, rows));
    }
    Arena scratch({}, measure.peak_bytes());
    paged_attention(s_, qkv.view().rows(done, rows), sequences,
                    {.heads = kHeads, .type = ComputeType::kFloat32}, pages, scratch,
                    y.view().rows(done, rows));
    done += rows;
  }
  EXPECT_TRUE(close(y.view(), want.view(), attention_error(D, T, 2, 2, 2)));

  Arena scratch({}, 1 << 20);
  const std::vector<SequenceRows> beyond = {{own, 127, 2}}, foreign = {{std::span(own), 0, 1}};
  EXPECT_THROW(paged_attention(s_, qkv.view().rows(0, 2), beyond,
                               {.heads = kHeads, .type = ComputeType::kFloat32}, pages, scratch,
                               y.view().rows(0, 2)),
               ContractError);
  EXPECT_THROW(paged_attention(s_, qkv.view().rows(0, 2), foreign,
                               {.heads = kHeads, .type = ComputeType::kFloat32}, pages, scratch,
                               y.view().rows(0, 2)),
               ContractError);
}

TEST_F(DecoderOps, EmbedWithoutPositionsGivesRowsOfTheTable) {
  const OwnedTensor table = random_tensor({5, 19}, 1, 1), y = unwritten({3, 19});
  embed(s_, std::vector<int>{4, 0, 4}, {table.view(), {}}, y.view());
  for (const auto& [row, id] : {std::pair{0, 4}, {1, 0}, {2, 4}}) {
    EXPECT_TRUE(
        same_bits(y.view().rows(row, 1).span<float>(), table.view().rows(id, 1).span<float>()));
  }
}

TEST_F(DecoderOps, WrongShapesAreRefused) {
  const OwnedTensor x = random_tensor({2, 4}, 1, 1), y = unwritten({2, 4}),
                    narrow = unwritten({2, 3});
  const OwnedTensor weight = random_tensor({4}, 1, 1), short_weight = random_tensor({3}, 1, 1);
  EXPECT_THROW(rms_norm(s_, x.view(), short_weight.view(), y.view()), ContractError);
  EXPECT_THROW(rms_norm(s_, x.view(), weight.view(), narrow.view()), ContractError);
  EXPECT_THROW(swiglu(s_, x.view(), narrow.view()), ContractError);
  const OwnedTensor qkv = random_tensor({2, 12}, 1, 1), two = random_tensor({2}, 1, 1);
  EXPECT_THROW(rotary(s_, std::vector<int32_t>{1}, two.view(), {}, qkv.view()), ContractError);
  EXPECT_THROW(rotary(s_, std::vector<int32_t>{1, 2}, weight.view(), {}, qkv.view()),
               ContractError);
  const RotaryOptions wrong_norm{1, 1, short_weight.view(), {}, 1e-6f};
  EXPECT_THROW(rotary(s_, std::vector<int32_t>{1, 2}, two.view(), wrong_norm, qkv.view()),
               ContractError);
  const EmbeddingTable table{x.view(), {}};
  EXPECT_THROW(embed(s_, std::vector<int>{2}, table, y.view().rows(0, 1)), ContractError);
  EXPECT_THROW(embed(s_, std::vector<int>{-1}, table, y.view().rows(0, 1)), ContractError);
  EXPECT_THROW(embed(s_, std::vector<int>{1}, table, y.view()), ContractError);
}

}  // namespace
}  // namespace maie::ops
