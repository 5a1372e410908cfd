#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "kernels/cpu/gemm.h"
#include "ops/attention.h"
#include "ops/compute_types.h"
#include "ops/embed.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "ops/unfold.h"
#include "tests/kernels/closeness.h"
#include "tests/ops/allocations.h"

namespace maie::ops {
namespace {

using maie::testing::close;
using maie::testing::copy_of;
using maie::testing::CountAllocations;
using maie::testing::max_abs;
using maie::testing::random_tensor;
using maie::testing::same_bits;
using maie::testing::unwritten;

class Ops : public ::testing::Test {
 protected:
  ThreadPool threads_{2};
  Stream s_{threads_};
  LinearWeights pack(ComputeType type, int64_t N, int64_t K) {
    const OwnedTensor w = random_tensor({N, K}, 1, 1), bias = random_tensor({N}, 1, 2);
    return LinearWeights::pack(s_, type, {.values = w.view(), .scales = {}, .bias = bias.view()});
  }
};

constexpr ComputeType kTypes[] = {ComputeType::kFloat32, ComputeType::kBFloat16, ComputeType::kInt8,
                                  ComputeType::kInt4};

TEST_F(Ops, LinearRefusesWrongShapes) {
  const LinearWeights w = pack(ComputeType::kFloat32, 6, 4);
  EXPECT_EQ(w.in(), 4);
  EXPECT_EQ(w.out(), 6);
  const OwnedTensor x = random_tensor({3, 4}, 1, 1), narrow = random_tensor({3, 5}, 1, 1);
  const OwnedTensor y = unwritten({3, 6}), few = unwritten({2, 6}), wide = unwritten({3, 7});
  EXPECT_NO_THROW(linear(s_, x.view(), w, y.view()));
  EXPECT_THROW(linear(s_, narrow.view(), w, y.view()), ContractError);
  EXPECT_THROW(linear(s_, x.view(), w, few.view()), ContractError);
  EXPECT_THROW(linear(s_, x.view(), w, wide.view()), ContractError);
  const OwnedTensor whole({}, DType::kI32, {3, 4});
  EXPECT_THROW(linear(s_, whole.view(), w, y.view()), ContractError);
  const OwnedTensor weights = random_tensor({6, 4}, 1, 1);
  EXPECT_THROW((void)LinearWeights::pack(s_, ComputeType::kFloat16,
                                         {.values = weights.view(), .scales = {}, .bias = {}}),
               ContractError);
  EXPECT_THROW(
      (void)LinearWeights::pack(s_, ComputeType::kFloat32,
                                {.values = x.view().reshaped({3, 2, 2}), .scales = {}, .bias = {}}),
      ContractError);
}

TEST_F(Ops, LinearTakesLeadingDimensionsAsRows) {
  const LinearWeights w = pack(ComputeType::kFloat32, 6, 4);
  const OwnedTensor x = random_tensor({6, 4}, 1, 1), want = unwritten({6, 6}),
                    y = unwritten({6, 6});
  linear(s_, x.view(), w, want.view());
  linear(s_, x.view().reshaped({2, 3, 4}), w, y.view().reshaped({2, 3, 6}));
  EXPECT_TRUE(same_bits(y.view().span<float>(), want.view().span<float>()));
  // The four forms of the op differ in what happens to y only.
  const OwnedTensor added = copy_of(want.view()), relu = unwritten({6, 6});
  linear_add(s_, x.view(), w, added.view());
  linear_relu(s_, x.view(), w, relu.view());
  for (int64_t i = 0; i < 36; ++i) {
    const float plain = want.view().data<float>()[i];
    EXPECT_EQ(added.view().data<float>()[i], plain + plain);
    EXPECT_EQ(relu.view().data<float>()[i], std::max(plain, 0.0f));
  }
}

// Layers of one input stacked from whatever a file has: the outputs of each are what they are
// alone.
TEST_F(Ops, LinearStacksSourcesOfAllForms) {
  constexpr int64_t kK = 64;
  const OwnedTensor dense = random_tensor({5, kK}, 1, 1), bias = random_tensor({5}, 1, 2);
  const OwnedTensor q({}, DType::kI8, {7, kK}), scales = random_tensor({7}, 1, 3);
  for (int64_t i = 0; i < q.view().size(); ++i) q.view().data<int8_t>()[i] = int8_t(i * 37 % 255);
  for (float& scale : scales.view().span<float>()) scale = 100 + 50 * scale;
  std::vector<LinearSource> sources(7);
  sources[0].values = dense.view();
  sources[0].bias = bias.view();
  sources[1].values = q.view();
  sources[1].scales = scales.view();
  for (const size_t i : {2, 3}) {
    sources[i].quantised = {.rows = 40, .columns = kK, .group = i == 2 ? 64 : 32};
    sources[i].quantised.read = [i](int64_t first, int64_t count, const QuantisedRows& out) {
      const int64_t groups = i == 2 ? 1 : 2;
      for (int64_t j = 0; j < count * kK / 2; ++j) out.codes[j] = uint8_t((first * 5 + j) * 91);
      std::fill_n(out.scales, count * groups, 0.25f);
      std::fill_n(out.offsets, count * groups, -1.0f);
    };
  }
  sources[4].quantised = {.bits = 8, .rows = 3, .columns = kK, .group = kK};
  sources[4].quantised.read = [](int64_t first, int64_t count, const QuantisedRows& out) {
    for (int64_t j = 0; j < count * kK; ++j) out.codes[j] = uint8_t(int8_t((first + j) % 100 - 50));
    std::fill_n(out.scales, count, 0.125f);
  };
  for (const size_t i : {5, 6}) {
    const int64_t group = i == 5 ? 32 : 16;
    sources[i].quantised = {
        .bits = int(i), .rows = 35, .columns = kK, .group = group, .symmetric = i == 6};
    sources[i].quantised.read = [=](int64_t first, int64_t count, const QuantisedRows& out) {
      for (int64_t j = 0; j < count * kK; ++j) {
        out.codes[j] = uint8_t(((first * kK + j) * 91 >> 3) % (1 << i));
      }
      std::fill_n(out.scales, count * (kK / group), 0.0625f);
      if (i == 5) std::fill_n(out.offsets, count * (kK / group), -0.5f);
    };
  }
  const OwnedTensor x = random_tensor({20, kK}, 1, 5);
  for (const ComputeType type :
       {ComputeType::kFloat32, ComputeType::kBFloat16, ComputeType::kInt8, ComputeType::kInt4}) {
    const LinearWeights all = LinearWeights::pack(s_, type, sources);
    ASSERT_EQ(all.out(), 165);
    ASSERT_EQ(all.in(), kK);
    const OwnedTensor y = unwritten({20, 165});
    linear(s_, x.view(), all, y.view());
    size_t bytes = 0;
    for (int64_t first = 0; const LinearSource& source : sources) {
      const LinearWeights one = LinearWeights::pack(s_, type, source);
      const OwnedTensor want = unwritten({20, one.out()});
      linear(s_, x.view(), one, want.view());
      for (int64_t r = 0; r < 20; ++r) {
        const auto got = y.view().rows(r, 1).span<float>();
        const auto expected = want.view().rows(r, 1).span<float>();
        // Other widths, other slices of the library: its float sums may go in another order.
        EXPECT_TRUE(
            close(got.subspan(size_t(first), expected.size()), expected, 1e-5 * max_abs(expected)))
            << to_string(type) << " from " << first << " row " << r;
      }
      first += one.out();
      bytes += one.size_bytes();
    }
    EXPECT_GT(bytes, 0u);
  }
  // What a layer of 4 bits keeps, and what it makes of the rest.
  const auto parts = [&](ComputeType type, size_t from, size_t count) {
    const std::span<const LinearSource> some(sources);
    return LinearWeights::pack(s_, type, some.subspan(from, count)).parts().size();
  };
  // 4 bits of floats, 8 bits, 4 bits in 64s, 4 bits in 32s, 8 bits, 5 bits, 6 bits
  EXPECT_EQ(parts(ComputeType::kInt4, 0, 7), 7u);
  EXPECT_EQ(parts(ComputeType::kInt4, 4, 1), 1u);
  EXPECT_EQ(parts(ComputeType::kInt8, 0, 7), 3u);  // 8 bits of all but the last two
  EXPECT_EQ(parts(ComputeType::kFloat32, 0, 7), 1u);
  const std::vector<LinearSource> same = {sources[3], sources[3], sources[3]};
  EXPECT_EQ(LinearWeights::pack(s_, ComputeType::kInt4, same).parts().size(), 1u);
  sources[4].quantised.columns = 32;
  sources[4].quantised.group = 32;
  EXPECT_THROW((void)LinearWeights::pack(s_, ComputeType::kInt4, sources), ContractError);
  EXPECT_THROW((void)LinearWeights::pack(s_, ComputeType::kInt4, std::span<const LinearSource>()),
               ContractError);
}

// A file's tensors begin where they begin.
TEST_F(Ops, LinearReadsUnalignedFloats) {
  for (const DType stored : {DType::kF32, DType::kF16, DType::kBF16}) {
    std::vector<std::byte> bytes(size_t(6 * 40) * size_of(stored) + 1);
    for (size_t i = 1; i < bytes.size(); ++i) bytes[i] = std::byte(i * 7 % 60);
    std::vector<uint32_t> aligned((bytes.size() + 3) / 4);
    std::memcpy(aligned.data(), bytes.data() + 1, bytes.size() - 1);
    const OwnedTensor x = random_tensor({2, 40}, 1, 1), y = unwritten({2, 6}),
                      want = unwritten({2, 6});
    LinearSource source;
    source.values = ConstTensor(bytes.data() + 1, stored, {6, 40});
    linear(s_, x.view(), LinearWeights::pack(s_, ComputeType::kFloat32, source), y.view());
    source.values = ConstTensor(aligned.data(), stored, {6, 40});
    linear(s_, x.view(), LinearWeights::pack(s_, ComputeType::kFloat32, source), want.view());
    EXPECT_TRUE(same_bits(y.view().span<float>(), want.view().span<float>()));
  }
}

TEST_F(Ops, EmbedReadsTheRowsItNeeds) {
  std::vector<int> asked;
  const EmbeddingRows table{.vocabulary = 9, .width = 3, .read = [&](int id, std::span<float> row) {
                              asked.push_back(id);
                              std::fill(row.begin(), row.end(), float(id));
                            }};
  const OwnedTensor y = unwritten({2, 3});
  embed(s_, std::array<int, 2>{8, 0}, table, y.view());
  EXPECT_EQ(asked, (std::vector<int>{8, 0}));
  for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(y.view().data<float>()[i], i < 3 ? 8.0f : 0.0f);
  for (const int id : {-1, 9}) {
    EXPECT_THROW(embed(s_, std::array<int, 2>{0, id}, table, y.view()), ContractError);
  }
  EXPECT_THROW(embed(s_, std::array<int, 1>{0}, table, y.view()), ContractError);
  Stream dry = Stream::dry_run({});
  EXPECT_NO_THROW(embed(dry, std::array<int, 1>{0}, table, Tensor(nullptr, DType::kF32, {1, 3})));
  EXPECT_EQ(asked.size(), 2u);
}

TEST_F(Ops, LayerNormRefusesWrongShapes) {
  const OwnedTensor x = random_tensor({3, 4}, 1, 1), gamma = random_tensor({4}, 1, 2),
                    three = random_tensor({3}, 1, 2);
  const OwnedTensor y = unwritten({3, 4}), other = unwritten({4, 3});
  EXPECT_NO_THROW(layer_norm(s_, x.view(), {gamma.view(), gamma.view()}, y.view()));
  EXPECT_THROW(layer_norm(s_, x.view(), {gamma.view(), gamma.view()}, other.view()), ContractError);
  EXPECT_THROW(layer_norm(s_, x.view(), {three.view(), gamma.view()}, y.view()), ContractError);
  EXPECT_THROW(layer_norm(s_, x.view(), {gamma.view(), three.view()}, y.view()), ContractError);
  EXPECT_THROW(add_rows(s_, x.view(), y.view()), ContractError);
  EXPECT_THROW(add_rows(s_, x.view(), other.view().reshaped({1, 4, 3})), ContractError);
}

// Long inputs are spread over the team; rows and result stay the same.
TEST_F(Ops, LayerNormAndAddRowsAreTheSameForManyRows) {
  const OwnedTensor x = random_tensor({300, 70}, 1, 1), gamma = random_tensor({70}, 1, 2),
                    beta = random_tensor({70}, 1, 3);
  const OwnedTensor whole = unwritten({300, 70}), one = unwritten({1, 70});
  layer_norm(s_, x.view(), {gamma.view(), beta.view()}, whole.view());
  for (int64_t r = 0; r < 300; ++r) {
    layer_norm(s_, x.view().rows(r, 1), {gamma.view(), beta.view()}, one.view());
    ASSERT_TRUE(same_bits(whole.view().rows(r, 1).span<float>(), one.view().span<float>())) << r;
  }
  const OwnedTensor table = random_tensor({100, 70}, 1, 4), sum = copy_of(x.view());
  add_rows(s_, table.view(), sum.view().reshaped({3, 100, 70}));
  for (int64_t i = 0; i < 300 * 70; ++i) {
    ASSERT_EQ(sum.view().data<float>()[i],
              x.view().data<float>()[i] + table.view().data<float>()[i % (100 * 70)]);
  }
}

TEST_F(Ops, UnfoldRefusesWrongShapes) {
  const OwnedTensor x = random_tensor({1, 4, 2}, 1, 1), y = unwritten({1, 4, 6});
  EXPECT_NO_THROW(unfold(s_, x.view(), {.kernel = 3}, y.view()));
  EXPECT_THROW(unfold(s_, x.view(), {.kernel = 3, .stride = 2}, y.view()), ContractError);
  EXPECT_THROW(unfold(s_, x.view(), {.kernel = 0}, y.view()), ContractError);
  EXPECT_THROW(unfold(s_, x.view(), {.kernel = 3, .stride = 0}, y.view()), ContractError);
  EXPECT_THROW(unfold(s_, x.view(), {.kernel = 9}, y.view()), ContractError);
  EXPECT_THROW(unfold(s_, x.view().reshaped({4, 2}), {.kernel = 3}, y.view()), ContractError);
}

TEST_F(Ops, EmbedRefusesIdsAndPositionsOutsideTheTables) {
  const OwnedTensor table = random_tensor({5, 3}, 1, 1), positions = random_tensor({4, 3}, 1, 2);
  const OwnedTensor y = unwritten({1, 3});
  const auto call = [&](int id, int position) {
    embed(s_, std::array<int, 1>{id}, std::array<int, 1>{position}, {table.view(), {}},
          positions.view(), y.view());
  };
  EXPECT_NO_THROW(call(4, 3));
  for (const int id : {-1, 5}) EXPECT_THROW(call(id, 0), ContractError);
  for (const int position : {-1, 4}) EXPECT_THROW(call(0, position), ContractError);
  EXPECT_THROW(embed(s_, std::array<int, 2>{0, 1}, std::array<int, 1>{0}, {table.view(), {}},
                     positions.view(), y.view()),
               ContractError);
}

TEST_F(Ops, AttentionRefusesWrongShapes) {
  Arena scratch({}, size_t{1} << 20);
  const OwnedTensor qkv = random_tensor({1, 4, 24}, 1, 1), y = unwritten({1, 4, 8}),
                    narrow = unwritten({1, 4, 7});
  EXPECT_NO_THROW(self_attention(s_, qkv.view(), {.heads = 2}, scratch, y.view()));
  EXPECT_THROW(self_attention(s_, qkv.view(), {.heads = 3}, scratch, y.view()), ContractError);
  EXPECT_THROW(self_attention(s_, qkv.view(), {.heads = 2}, scratch, narrow.view()), ContractError);
  Arena small({}, 64);
  EXPECT_THROW(self_attention(s_, qkv.view(), {.heads = 2}, small, y.view()), ContractError);

  CrossCache cross({}, DType::kF32, 5, 8, 2), empty({}, DType::kF32, 5, 8, 2);
  const OwnedTensor kv = random_tensor({5, 16}, 1, 2), q = random_tensor({2, 8}, 1, 3),
                    out = unwritten({2, 8});
  EXPECT_THROW(cross.store(s_, q.view()), ContractError);
  cross.store(s_, kv.view());
  using Windows = std::vector<const CrossCache*>;
  EXPECT_NO_THROW(cross_attention(s_, q.view(), Windows{&cross, &cross}, {}, out.view()));
  EXPECT_THROW(cross_attention(s_, q.view(), Windows{&cross}, {}, out.view()), ContractError);
  EXPECT_THROW(cross_attention(s_, q.view(), Windows{&cross, nullptr}, {}, out.view()),
               ContractError);
  EXPECT_THROW(cross_attention(s_, q.view(), Windows{&cross, &empty}, {}, out.view()),
               ContractError);
  const std::array<float*, 1> one_head = {nullptr};
  EXPECT_THROW(cross_attention(s_, q.view(), Windows{&cross, &cross}, one_head, out.view()),
               ContractError);
  EXPECT_THROW(CrossCache({}, DType::kF16, 5, 8, 2).store(s_, kv.view()), ContractError);

  const OwnedTensor rows = random_tensor({1, 24}, 1, 4), cache = random_tensor({3, 16}, 1, 5),
                    result = unwritten({1, 8});
  const std::array<int32_t, 2> cells = {2, 0}, outside = {3, 0};
  const auto call = [&](RowHistory history) {
    cached_attention(s_, rows.view(), 2, std::array<RowHistory, 1>{history}, cache.view(),
                     result.view());
  };
  EXPECT_NO_THROW(call({cells.data(), 2}));
  EXPECT_THROW(call({cells.data(), 0}), ContractError);
  EXPECT_THROW(call({outside.data(), 2}), ContractError);
  EXPECT_THROW(cached_attention(s_, rows.view(), 2, {}, cache.view(), result.view()),
               ContractError);
}

// ---- dry runs

TEST_F(Ops, ADryRunTouchesNothingAndFindsTheArena) {
  Stream dry = Stream::dry_run({});
  for (const ComputeType type : kTypes) {
    const LinearWeights w = pack(type, 6, 4);
    const ConstTensor x(nullptr, DType::kF32, {3, 4});
    EXPECT_NO_THROW(linear(dry, x, w, Tensor(nullptr, DType::kF32, {3, 6})));
    EXPECT_THROW(linear(dry, x, w, Tensor(nullptr, DType::kF32, {2, 6})), ContractError);

    // What self_attention takes from an arena that only counts is what it takes from a real one.
    Arena measuring = Arena::measuring({});
    const ConstTensor qkv(nullptr, DType::kF32, {1, 70, 96});
    self_attention(dry, qkv, {.heads = 2, .type = type}, measuring,
                   Tensor(nullptr, DType::kF32, {1, 70, 32}));
    EXPECT_GT(measuring.peak_bytes(), 0u);
    Arena scratch({}, measuring.peak_bytes());
    const OwnedTensor real = random_tensor({1, 70, 96}, 1, 1), y = unwritten({1, 70, 32});
    EXPECT_NO_THROW(self_attention(s_, real.view(), {.heads = 2, .type = type}, scratch, y.view()));
    EXPECT_EQ(scratch.peak_bytes(), measuring.peak_bytes());
  }
  const OwnedTensor y = unwritten({2, 3});
  layer_norm(dry, ConstTensor(nullptr, DType::kF32, {2, 3}),
             {ConstTensor(nullptr, DType::kF32, {3}), ConstTensor(nullptr, DType::kF32, {3})},
             y.view());
  unfold(dry, ConstTensor(nullptr, DType::kF32, {1, 2, 1}), {.kernel = 3},
         y.view().reshaped({1, 2, 3}));
  for (const float value : y.view().span<float>()) EXPECT_TRUE(std::isnan(value));
  CrossCache cross({}, DType::kF32, 5, 8, 2);
  EXPECT_NO_THROW(cross.store(dry, ConstTensor(nullptr, DType::kF32, {5, 16})));
}

// ---- memory

// Activations come from the arena and from scratch that members of the team keep. What remains are
// the lists and closures of a call (pointers a row or a head) and, inside oneDNN, its argument
// lists.
TEST_F(Ops, ForwardOpsAllocateBookkeepingOnly) {
  constexpr int64_t kT = 200, kC = 256;
  for (const ComputeType type : kTypes) {
    const LinearWeights w = pack(type, kC, kC);
    const OwnedTensor x = random_tensor({kT, kC}, 1, 1), y = unwritten({kT, kC});
    const OwnedTensor qkv = random_tensor({1, kT, 3 * kC}, 1, 2);
    const OwnedTensor gamma = random_tensor({kC}, 1, 3);
    Arena scratch({}, size_t{8} << 20);
    const auto forward = [&] {
      layer_norm(s_, x.view(), {gamma.view(), gamma.view()}, y.view());
      linear(s_, x.view(), w, y.view());
      linear(s_, x.view().rows(0, 5), w, y.view().rows(0, 5));
      self_attention(s_, qkv.view(), {.heads = 4, .type = type}, scratch,
                     y.view().reshaped({1, kT, kC}));
    };
    // Tiles are handed out as members come: either may meet a kind of work for the first time late.
    for (int i = 0; i < 8; ++i) forward();
    const CountAllocations counted;
    forward();
    // A single activation is kT * kC * 4 = 205 kB.
    EXPECT_LT(counted.largest_bytes(), 4096u) << to_string(type);
    EXPECT_LT(counted.bytes(), 65536u)
        << to_string(type) << ", " << counted.count() << " allocations";
  }
}

TEST(CountAllocations, SeesWhatIsAllocated) {
  const CountAllocations counted;
  const std::vector<char> bytes(5000);
  EXPECT_EQ(counted.largest_bytes(), bytes.size());
  EXPECT_GE(counted.count(), 1u);
}

// ---- types

TEST(ComputeTypes, ResolveToWhatTheProcessorHas) {
  EXPECT_EQ(resolve({}, ComputeType::kAuto), ComputeType::kInt8);
  EXPECT_EQ(resolve({}, ComputeType::kInt8BFloat16), ComputeType::kInt8);
  EXPECT_EQ(resolve({}, ComputeType::kFloat16), ComputeType::kFloat32);
  EXPECT_EQ(resolve({}, ComputeType::kBFloat16), ComputeType::kBFloat16);
  EXPECT_EQ(resolve({}, ComputeType::kInt4), ComputeType::kInt4);
  EXPECT_EQ(fast_float({}), cpu::gemm_is_native(cpu::GemmType::kBF16) ? ComputeType::kBFloat16
                                                                      : ComputeType::kFloat32);
  const Device cuda{Device::Kind::kCuda, 0};
  EXPECT_THROW((void)resolve(cuda, ComputeType::kAuto), DeviceError);
}

}  // namespace
}  // namespace maie::ops
