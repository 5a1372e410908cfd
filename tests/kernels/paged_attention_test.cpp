#include "kernels/cpu/paged_attention.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "kernels/reference/grouped_attention.h"
#include "tests/kernels/attention_error.h"
#include "tests/kernels/closeness.h"

namespace maie::cpu {
namespace {

using maie::testing::attention_error;
using maie::testing::close;
using maie::testing::copy_of;
using maie::testing::random_tensor;
using maie::testing::same_bits;
using maie::testing::unwritten;

struct Heads {
  int heads, kv_heads;
  int64_t D;
  int64_t width() const { return (heads + 2 * kv_heads) * D; }
};

// A cache whose unwritten bytes are NaN, as floats.
struct Cache {
  Cache(DType type, int64_t pages, const Heads& h)
      : storage({}, KvStore::storage_bytes(type, pages, h.kv_heads, h.D)),
        store(type, pages, h.kv_heads, h.D, storage.data()) {
    std::fill_n(storage.data(), storage.size_bytes(), std::byte{0xff});
  }
  Buffer storage;
  KvStore store;
};

// A text whose positions go through the cache in calls of several sizes.
struct Text {
  OwnedTensor qkv;
  std::vector<int32_t> pages;
  int64_t done = 0;
};

// Pages in no order, so that nobody counts on one.
std::vector<int32_t> scattered_pages(int64_t count, int64_t first, int64_t of) {
  std::vector<int32_t> pages(static_cast<size_t>(of));
  std::iota(pages.begin(), pages.end(), 0);
  std::mt19937 random(5);
  std::shuffle(pages.begin(), pages.end(), random);
  return {pages.begin() + first, pages.begin() + first + count};
}

// Runs the next `rows` of each text in one call; their outputs, one after the other.
std::vector<float> step(const Heads& h, GemmType type, int members, const Cache& cache,
                        std::vector<Text>& texts, const std::vector<int64_t>& rows) {
  std::vector<SequenceRows> sequences;
  int64_t total = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    sequences.push_back({texts[i].pages, texts[i].done, rows[i]});
    total += rows[i];
  }
  const OwnedTensor qkv = unwritten({total, h.width()}), y = unwritten({total, h.heads * h.D});
  float* to = qkv.view().data<float>();
  for (size_t i = 0; i < texts.size(); ++i) {
    to = std::copy_n(texts[i].qkv.view().data<float>() + texts[i].done * h.width(),
                     rows[i] * h.width(), to);
    texts[i].done += rows[i];
  }
  static std::unique_ptr<ThreadPool> teams[4];
  if (!teams[members]) teams[members] = std::make_unique<ThreadPool>(members);
  const Buffer scratch({}, paged_attention_scratch_bytes(type, cache.store, sequences));
  paged_attention(*teams[members], type, qkv.view().data<float>(), h.heads, sequences, cache.store,
                  scratch.data(), y.view().data<float>());
  const auto out = y.view().span<float>();
  return {out.begin(), out.end()};
}

// The reference sees keys and values as the cache keeps them, so that only arithmetic differs.
OwnedTensor expected_of(const Heads& h, DType type, const OwnedTensor& qkv) {
  const OwnedTensor rounded = copy_of(qkv.view());
  const int64_t T = qkv.view().dim(0);
  for (int64_t t = 0; t < T && type == DType::kBF16; ++t) {
    for (int64_t i = h.heads * h.D; i < h.width(); ++i) {
      float& value = rounded.view().data<float>()[t * h.width() + i];
      value = float(BFloat16(value));
    }
  }
  OwnedTensor want = unwritten({T, h.heads * h.D});
  reference::grouped_attention(rounded.view(), h.heads, h.kv_heads, want.view());
  return want;
}

// Rounding of one operand, relative to the largest of its vector.
double operand_error(DType stored, GemmType type, bool packed) {
  const double cache = stored == DType::kI8 ? 0.5 / 127 : 0.0;
  return cache + (packed && type == GemmType::kBF16 ? 0x1p-9 : 0.0);
}

class PagedAttentionOf : public ::testing::TestWithParam<std::tuple<DType, GemmType>> {};

TEST_P(PagedAttentionOf, MatchesReferenceHoweverATextIsCut) {
  const auto [stored, type] = GetParam();
  for (const Heads& h : {Heads{1, 1, 8}, {2, 1, 33}, {6, 2, 64}, {4, 4, 16}, {5, 1, 24}}) {
    for (const std::vector<int64_t>& cuts : {std::vector<int64_t>{1},
                                             {1, 1, 1},
                                             {16, 1, 2},
                                             {17, 1},
                                             {63, 1, 1, 1},
                                             {64, 1},
                                             {65, 3},
                                             {130, 1, 70, 16}}) {
      const int64_t T = std::accumulate(cuts.begin(), cuts.end(), int64_t{0});
      const OwnedTensor qkv = random_tensor({T, h.width()}, 2, 1);
      const OwnedTensor want = expected_of(h, stored, qkv);
      std::vector<float> first;
      for (const int members : {1, 3}) {
        const Cache cache(stored, 9, h);
        std::vector<Text> texts(1);
        texts[0] = {copy_of(qkv.view()), scattered_pages((T + kKvPage - 1) / kKvPage, 0, 9), 0};
        std::vector<float> got;
        for (const int64_t rows : cuts) {
          const std::vector<float> y = step(h, type, members, cache, texts, {rows});
          got.insert(got.end(), y.begin(), y.end());
        }
        const auto allowed = [&, stored = stored, type = type](size_t i) {
          int64_t end = 0, rows = 0;
          for (const int64_t cut : cuts) {
            rows = cut;
            end += cut;
            if (int64_t(i) / (h.heads * h.D) < end) break;
          }
          return attention_error(h.D, T, 2, 2, 2,
                                 operand_error(stored, type, rows > kStreamedRows));
        };
        EXPECT_TRUE(close(got, want.view().span<float>(), allowed))
            << h.heads << "/" << h.kv_heads << " D " << h.D << " T " << T << " team " << members;
        if (first.empty()) first = got;
        EXPECT_TRUE(same_bits(got, first)) << "team " << members;
      }
    }
  }
}

TEST_P(PagedAttentionOf, ARowDoesNotDependOnItsCompany) {
  const auto [stored, type] = GetParam();
  const Heads h{6, 2, 32};
  // Alone: one row at a time. Together: three texts, and guesses verified several at a time.
  const OwnedTensor a = random_tensor({90, h.width()}, 2, 1),
                    b = random_tensor({40, h.width()}, 2, 2);
  const auto start = [&](const Cache& cache, int64_t first_page, const OwnedTensor& qkv) {
    std::vector<Text> text(1);
    text[0] = {copy_of(qkv.view()), scattered_pages(2, first_page, 9), 0};
    step(h, type, 2, cache, text, {30});
    return std::move(text[0]);
  };
  std::vector<float> alone;
  {
    const Cache cache(stored, 9, h);
    std::vector<Text> text;
    text.push_back(start(cache, 0, a));
    for (int i = 0; i < 8; ++i) {
      const std::vector<float> y = step(h, type, 1, cache, text, {1});
      alone.insert(alone.end(), y.begin(), y.end());
    }
  }
  const Cache cache(stored, 9, h);
  std::vector<Text> texts;
  texts.push_back(start(cache, 0, a));
  texts.push_back(start(cache, 2, b));
  std::vector<float> together = step(h, type, 3, cache, texts, {5, 1});
  together.resize(size_t(5 * h.heads * h.D));
  const std::vector<float> rest = step(h, type, 2, cache, texts, {3, 0});
  together.insert(together.end(), rest.begin(), rest.end());
  EXPECT_TRUE(same_bits(together, alone));
}

TEST_P(PagedAttentionOf, SequencesShareThePagesOfACommonStart) {
  const auto [stored, type] = GetParam();
  const Heads h{4, 2, 16};
  const OwnedTensor qkv = random_tensor({kKvPage + 3, h.width()}, 2, 1);
  const OwnedTensor want = expected_of(h, stored, qkv);
  const Cache cache(stored, 4, h);
  std::vector<Text> texts(2);
  texts[0] = {copy_of(qkv.view()), {2, 0}, 0};
  std::vector<Text> first(1);
  first[0] = {copy_of(qkv.view()), {2, 0}, 0};
  step(h, type, 1, cache, first, {kKvPage});
  texts[0].done = kKvPage;
  texts[1] = {copy_of(qkv.view()), {2, 3}, kKvPage};
  const std::vector<float> got = step(h, type, 2, cache, texts, {3, 3});
  const double tolerance =
      attention_error(h.D, kKvPage + 3, 2, 2, 2, operand_error(stored, type, false));
  const auto last = want.view().span<float>().subspan(size_t(kKvPage * h.heads * h.D));
  EXPECT_TRUE(close(std::span(got).first(last.size()), last, tolerance));
  EXPECT_TRUE(same_bits(std::span(got).first(last.size()), std::span(got).subspan(last.size())));
}

std::string name_of(const ::testing::TestParamInfo<std::tuple<DType, GemmType>>& info) {
  return std::string(to_string(std::get<0>(info.param))) +
         (std::get<1>(info.param) == GemmType::kF32 ? "_multiplied_in_float32"
                                                    : "_multiplied_in_bfloat16");
}
INSTANTIATE_TEST_SUITE_P(Types, PagedAttentionOf,
                         ::testing::Combine(::testing::Values(DType::kF32, DType::kBF16,
                                                              DType::kI8),
                                            ::testing::Values(GemmType::kF32, GemmType::kBF16)),
                         name_of);

TEST(PagedAttention, NothingToDoIsFine) {
  const Heads h{2, 1, 8};
  const Cache cache(DType::kF32, 1, h);
  std::vector<Text> none;
  EXPECT_TRUE(step(h, GemmType::kF32, 1, cache, none, {}).empty());
}

}  // namespace
}  // namespace maie::cpu
