#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <vector>

#include "kernels/cpu/decoder_attention.h"
#include "kernels/cpu/self_attention.h"
#include "kernels/reference/cached_attention.h"
#include "kernels/reference/cross_attention.h"
#include "kernels/reference/self_attention.h"
#include "tests/kernels/attention_error.h"
#include "tests/kernels/closeness.h"

namespace maie::cpu {
namespace {

using maie::testing::attention_error;
using maie::testing::close;
using maie::testing::copy_of;
using maie::testing::kUnit;
using maie::testing::max_abs;
using maie::testing::random_tensor;
using maie::testing::same_bits;
using maie::testing::sum_error;
using maie::testing::unwritten;

ThreadPool& team(int size) {
  static std::unique_ptr<ThreadPool> teams[4];
  if (!teams[size]) teams[size] = std::make_unique<ThreadPool>(size);
  return *teams[size];
}

// ---- encoder

struct EncoderCase {
  int64_t B, T, C;
  int heads;
};
const std::vector<EncoderCase> kEncoderCases = {{1, 1, 1, 1},    {1, 1, 64, 1},   {2, 3, 6, 2},
                                                {1, 31, 33, 3},  {1, 32, 64, 1},  {3, 33, 62, 2},
                                                {1, 63, 65, 5},  {1, 64, 64, 4},  {2, 65, 130, 2},
                                                {1, 130, 96, 2}, {1, 200, 128, 2}};

void check_self_attention(GemmType type) {
  for (const EncoderCase& c : kEncoderCases) {
    const OwnedTensor qkv = random_tensor({c.B, c.T, 3 * c.C}, 2, 1);
    const OwnedTensor want = unwritten({c.B, c.T, c.C});
    reference::self_attention(qkv.view(), c.heads, want.view());
    const double operand = type == GemmType::kBF16 ? 0x1p-9 : 0.0;
    const double tolerance = attention_error(c.C / c.heads, c.T, 2, 2, 2, operand);
    std::vector<float> first;
    for (const int members : {1, 2, 3}) {
      const OwnedTensor y = unwritten({c.B, c.T, c.C});
      const Buffer scratch({}, self_attention_scratch_bytes(type, c.T, c.C, c.heads));
      self_attention(team(members), type, qkv.view().data<float>(), c.B, c.T, c.C, c.heads,
                     scratch.data(), y.view().data<float>());
      EXPECT_TRUE(close(y.view(), want.view(), tolerance))
          << "B " << c.B << " T " << c.T << " C " << c.C << " heads " << c.heads << " team "
          << members;
      const auto got = y.view().span<float>();
      if (first.empty()) first.assign(got.begin(), got.end());
      EXPECT_TRUE(same_bits(got, first)) << "team " << members;
    }
  }
}

TEST(SelfAttention, Float32MatchesReference) { check_self_attention(GemmType::kF32); }
TEST(SelfAttention, BFloat16MatchesReference) { check_self_attention(GemmType::kBF16); }

TEST(SelfAttention, LargeScoresDoNotOverflow) {
  const OwnedTensor qkv = random_tensor({1, 40, 3 * 16}, 100, 1);
  const OwnedTensor want = unwritten({1, 40, 16}), y = unwritten({1, 40, 16});
  reference::self_attention(qkv.view(), 1, want.view());
  const Buffer scratch({}, self_attention_scratch_bytes(GemmType::kF32, 40, 16, 1));
  self_attention(team(1), GemmType::kF32, qkv.view().data<float>(), 1, 40, 16, 1, scratch.data(),
                 y.view().data<float>());
  EXPECT_TRUE(close(y.view(), want.view(), attention_error(16, 40, 100, 100, 100)));
}

TEST(SelfAttention, RefusesInt8) {
  EXPECT_THROW(self_attention(team(1), GemmType::kI8, nullptr, 1, 1, 1, 1, nullptr, nullptr),
               ContractError);
}

// ---- decoder, over a window

struct PackedWindow {
  Buffer storage;
  CrossKeyValues cache;
};
PackedWindow pack_window(DType type, ConstTensor kv, int64_t heads, int members) {
  const int64_t T = kv.dim(0), C = kv.dim(1) / 2;
  PackedWindow window{Buffer({}, CrossKeyValues::storage_bytes(type, T, C, heads)), {}};
  std::fill_n(window.storage.data(), window.storage.size_bytes(),
              std::byte{0xff});  // NaN, as floats
  window.cache = CrossKeyValues::pack(team(members), type, kv.data<float>(), T, C, heads,
                                      window.storage.data());
  return window;
}

// Rounding of one stored element, relative to the largest of its vector.
double operand_error(DType type) {
  return type == DType::kBF16 ? 0x1p-9 : type == DType::kI8 ? 0.5 / 127 : 0.0;
}

class CrossAttentionOf : public ::testing::TestWithParam<DType> {};

TEST_P(CrossAttentionOf, MatchesReferenceForAwkwardSizes) {
  const DType type = GetParam();
  struct CrossCase {
    int64_t T, C;
    int heads;
  };
  for (const CrossCase c : {CrossCase{1, 1, 1},
                            {1, 64, 1},
                            {15, 36, 2},
                            {16, 64, 2},
                            {17, 33, 3},
                            {31, 62, 2},
                            {33, 130, 2},
                            {64, 64, 4},
                            {100, 96, 2}}) {
    const OwnedTensor kv_a = random_tensor({c.T, 2 * c.C}, 2, 1),
                      kv_b = random_tensor({c.T, 2 * c.C}, 2, 2);
    const PackedWindow a = pack_window(type, kv_a.view(), c.heads, 2);
    const PackedWindow b = pack_window(type, kv_b.view(), c.heads, 1);
    const double tolerance = attention_error(c.C / c.heads, c.T, 2, 2, 2, operand_error(type));
    for (const int64_t rows : {0, 1, 2, 3, 4, 5, 8, 9, 17}) {
      const OwnedTensor q = random_tensor({rows, c.C}, 2, 3);
      // Runs of every length: aaaaa b aa bbb ...
      std::vector<const CrossKeyValues*> windows;
      std::vector<ConstTensor> plain;
      for (int64_t r = 0; r < rows; ++r) {
        const bool second = r == 5 || (r >= 8 && r < 11);
        windows.push_back(second ? &b.cache : &a.cache);
        plain.push_back(second ? kv_b.view() : kv_a.view());
      }
      const OwnedTensor want = unwritten({rows, c.C}),
                        want_scores = unwritten({c.heads, rows, c.T});
      reference::cross_attention(q.view(), plain, c.heads, want.view(), want_scores.view());
      std::vector<float> first;
      for (const int members : {1, 3}) {
        const OwnedTensor y = unwritten({rows, c.C}), scores = unwritten({c.heads, rows, c.T});
        std::vector<float*> of_head;
        for (int h = 0; h < c.heads; ++h)
          of_head.push_back(scores.view().data<float>() + h * rows * c.T);
        cross_attention(team(members), q.view().data<float>(), rows, windows, {of_head},
                        y.view().data<float>());
        EXPECT_TRUE(close(y.view(), want.view(), tolerance))
            << "T " << c.T << " C " << c.C << " heads " << c.heads << " rows " << rows;
        EXPECT_TRUE(close(scores.view(), want_scores.view(), tolerance / 2))
            << "T " << c.T << " C " << c.C << " heads " << c.heads << " rows " << rows;
        const auto got = y.view().span<float>();
        if (first.empty()) first.assign(got.begin(), got.end());
        EXPECT_TRUE(same_bits(got, first)) << "team " << members;
      }
    }
  }
}

TEST_P(CrossAttentionOf, ARowDoesNotDependOnItsCompany) {
  const OwnedTensor kv_a = random_tensor({37, 2 * 36}, 2, 1),
                    kv_b = random_tensor({37, 2 * 36}, 2, 2);
  const PackedWindow a = pack_window(GetParam(), kv_a.view(), 2, 1);
  const PackedWindow b = pack_window(GetParam(), kv_b.view(), 2, 1);
  const OwnedTensor q = random_tensor({9, 36}, 2, 3);
  for (int64_t row = 0; row < 9; ++row) {
    const OwnedTensor alone = unwritten({1, 36});
    const std::array<const CrossKeyValues*, 1> own = {&a.cache};
    cross_attention(team(1), q.view().data<float>() + row * 36, 1, own, {},
                    alone.view().data<float>());
    for (const unsigned others : {0x000u, 0x155u, 0x1ffu, 0x0f0u}) {
      std::vector<const CrossKeyValues*> windows;
      for (int64_t r = 0; r < 9; ++r) {
        windows.push_back(r != row && (others >> r & 1) != 0 ? &b.cache : &a.cache);
      }
      const OwnedTensor y = unwritten({9, 36});
      cross_attention(team(2), q.view().data<float>(), 9, windows, {}, y.view().data<float>());
      ASSERT_TRUE(same_bits(y.view().rows(row, 1).span<float>(), alone.view().span<float>()))
          << row;
    }
  }
}

TEST_P(CrossAttentionOf, ZeroKeysAndValuesAreFine) {
  const OwnedTensor kv = random_tensor({19, 2 * 32}, 0, 1), q = random_tensor({2, 32}, 1, 2);
  const PackedWindow window = pack_window(GetParam(), kv.view(), 2, 1);
  const std::array<const CrossKeyValues*, 2> windows = {&window.cache, &window.cache};
  const OwnedTensor y = unwritten({2, 32});
  cross_attention(team(1), q.view().data<float>(), 2, windows, {}, y.view().data<float>());
  for (const float value : y.view().span<float>()) EXPECT_EQ(value, 0.0f);
}

std::string name_of(const ::testing::TestParamInfo<DType>& info) {
  return std::string(to_string(info.param));
}
INSTANTIATE_TEST_SUITE_P(Types, CrossAttentionOf,
                         ::testing::Values(DType::kF32, DType::kBF16, DType::kI8), name_of);

// Different windows may have different lengths when no scores are asked for.
TEST(CrossAttention, WindowsMayDifferInLength) {
  const OwnedTensor kv_a = random_tensor({5, 64}, 2, 1), kv_b = random_tensor({40, 64}, 2, 2);
  const PackedWindow a = pack_window(DType::kF32, kv_a.view(), 2, 1);
  const PackedWindow b = pack_window(DType::kF32, kv_b.view(), 2, 1);
  const OwnedTensor q = random_tensor({3, 32}, 2, 3), want = unwritten({3, 32}),
                    y = unwritten({3, 32});
  const std::vector<ConstTensor> plain = {kv_a.view(), kv_b.view(), kv_a.view()};
  const std::array<const CrossKeyValues*, 3> windows = {&a.cache, &b.cache, &a.cache};
  reference::cross_attention(q.view(), plain, 2, want.view());
  cross_attention(team(2), q.view().data<float>(), 3, windows, {}, y.view().data<float>());
  EXPECT_TRUE(close(y.view(), want.view(), attention_error(16, 40, 2, 2, 2)));
}

TEST(CrossAttention, LeavesScoresOfTheWantedHeadsOnly) {
  const OwnedTensor kv = random_tensor({20, 64}, 2, 1), q = random_tensor({2, 32}, 2, 3);
  const PackedWindow window = pack_window(DType::kF32, kv.view(), 4, 1);
  const std::array<const CrossKeyValues*, 2> windows = {&window.cache, &window.cache};
  const std::vector<ConstTensor> plain = {kv.view(), kv.view()};
  const OwnedTensor want = unwritten({2, 32}), want_scores = unwritten({4, 2, 20});
  reference::cross_attention(q.view(), plain, 4, want.view(), want_scores.view());
  const OwnedTensor y = unwritten({2, 32}), scores = unwritten({2, 20});
  const std::array<float*, 4> of_head = {nullptr, nullptr, scores.view().data<float>(), nullptr};
  cross_attention(team(2), q.view().data<float>(), 2, windows, {of_head}, y.view().data<float>());
  EXPECT_TRUE(close(scores.view().span<float>(),
                    want_scores.view().span<float>().subspan(2 * 40, 40),
                    attention_error(8, 20, 2, 2, 2)));
}

// ---- decoder, over its own past

TEST(CachedAttention, MatchesReferenceForForkedHistories) {
  struct CachedCase {
    int64_t C;
    int heads;
  };
  for (const DType type : {DType::kF32, DType::kBF16}) {
    for (const CachedCase c : {CachedCase{1, 1}, {36, 2}, {33, 3}, {64, 4}, {130, 2}, {64, 1}}) {
      // A trunk of 20 positions, then rows that fork from it at several depths; the last two rows
      // are neighbours in one text, so that one looks at the cell the other has just written.
      std::vector<std::vector<int32_t>> histories;
      for (const int depth : {0, 1, 7, 20, 20, 13}) {
        std::vector<int32_t> history;
        for (int t = 0; t < depth; ++t) history.push_back(int32_t(39 - t));
        history.push_back(int32_t(histories.size()));
        histories.push_back(history);
      }
      histories.push_back(histories.back());
      histories.back().push_back(15);
      const int64_t R = int64_t(histories.size());
      const OwnedTensor past = random_tensor({40, 2 * c.C}, 2, 1),
                        qkv = random_tensor({R, 3 * c.C}, 2, 2);
      OwnedTensor cache({}, type, {40, 2 * c.C});
      for (int64_t i = 0; i < past.view().size(); ++i) {
        float& value = past.view().data<float>()[i];
        if (type == DType::kBF16) {
          cache.view().data<BFloat16>()[i] = BFloat16(value);
          value = float(BFloat16(value));
        } else {
          cache.view().data<float>()[i] = value;
        }
      }
      // What the reference stores is rounded beforehand, so that only arithmetic differs.
      const OwnedTensor rounded = copy_of(qkv.view());
      if (type == DType::kBF16) {
        for (int64_t r = 0; r < R; ++r) {
          for (int64_t i = c.C; i < 3 * c.C; ++i) {
            float& value = rounded.view().data<float>()[r * 3 * c.C + i];
            value = float(BFloat16(value));
          }
        }
      }
      const OwnedTensor want = unwritten({R, c.C});
      reference::cached_attention(rounded.view(), c.heads, histories, past.view(), want.view());
      std::vector<RowHistory> views;
      for (const auto& history : histories)
        views.push_back({history.data(), int32_t(history.size())});
      for (const int members : {1, 2, 3}) {
        const OwnedTensor y = unwritten({R, c.C});
        cached_attention(team(members), qkv.view().data<float>(), R, c.heads, views, cache.view(),
                         y.view().data<float>());
        EXPECT_TRUE(close(y.view(), want.view(), attention_error(c.C / c.heads, 21, 2, 2, 2)))
            << "C " << c.C << " heads " << c.heads << " " << to_string(type) << " team " << members;
      }
      for (int64_t i = 0; i < past.view().size(); ++i) {  // and the cells hold what they should
        const float stored = type == DType::kBF16 ? float(cache.view().data<BFloat16>()[i])
                                                  : cache.view().data<float>()[i];
        ASSERT_EQ(stored, past.view().data<float>()[i]) << i;
      }
    }
  }
}

TEST(CachedAttention, NoRowsDoNothing) {
  OwnedTensor cache({}, DType::kF32, {4, 8});
  EXPECT_NO_THROW(cached_attention(team(2), nullptr, 0, 2, {}, cache.view(), nullptr));
}

}  // namespace
}  // namespace maie::cpu
