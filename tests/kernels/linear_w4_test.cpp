#include "kernels/cpu/linear_w4.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "kernels/reference/gelu.h"
#include "kernels/reference/linear.h"
#include "tests/kernels/closeness.h"

namespace maie::cpu {
namespace {

using maie::testing::close;
using maie::testing::copy_of;
using maie::testing::kUnit;
using maie::testing::random_tensor;
using maie::testing::same_bits;
using maie::testing::sum_error;
using maie::testing::unwritten;

ThreadPool& team(int size) {
  static std::unique_ptr<ThreadPool> teams[4];
  if (!teams[size]) teams[size] = std::make_unique<ThreadPool>(size);
  return *teams[size];
}

// How codes are stored: `bits` of each, so many with one scale.
struct Form {
  int64_t group;
  bool symmetric;
  int bits = 4;

  int greatest() const { return (1 << bits) - 1; }
  int middle() const { return 1 << (bits - 1); }
};

// A matrix of random codes as a file would have it: its values, and what they are made of added up
// without their signs (a code and an offset may cancel).
struct Stored : Form {
  int64_t N, K;
  std::vector<uint8_t> codes;
  std::vector<float> scales, offsets;
  OwnedTensor values, magnitudes;

  Stored(int64_t N_, int64_t K_, const Form& form, uint32_t seed = 1)
      : Form(form),
        N(N_),
        K(K_),
        values({}, DType::kF32, {N, K}),
        magnitudes({}, DType::kF32, {N, K}) {
    std::mt19937 random(seed);
    codes.resize(size_t(N * row_bytes()));
    for (uint8_t& code : codes) code = uint8_t(random() >> 24) & (bits == 4 ? 255 : greatest());
    const auto half = [&] { return float(Half(float(random() >> 8) * 0x1p-24f * 0.1f - 0.05f)); };
    for (int64_t i = 0; i < N * K / group; ++i) {
      scales.push_back(half());
      offsets.push_back(symmetric ? -float(middle()) * scales.back() : half());
    }
    for (int64_t i = 0; i < N * K; ++i) {
      const auto g = size_t(i / group);
      const auto code = float(code_at(i));
      values.view().data<float>()[i] =
          symmetric ? (code - float(middle())) * scales[g] : code * scales[g] + offsets[g];
      magnitudes.view().data<float>()[i] = code * std::abs(scales[g]) + std::abs(offsets[g]);
    }
  }

  int64_t row_bytes() const { return bits == 4 ? K / 2 : K; }
  int code_at(int64_t i) const {
    return bits == 4 ? (codes[size_t(i / 2)] >> (4 * (i % 2))) & 15 : codes[size_t(i)];
  }

  LinearSource source() const {
    LinearSource source;
    source.quantised = {
        .bits = bits, .rows = N, .columns = K, .group = group, .symmetric = symmetric};
    source.quantised.read = [this](int64_t first, int64_t count, const QuantisedRows& out) {
      const int64_t groups = K / group;
      std::copy_n(codes.begin() + first * row_bytes(), count * row_bytes(), out.codes);
      std::copy_n(scales.begin() + first * groups, count * groups, out.scales);
      if (!symmetric) std::copy_n(offsets.begin() + first * groups, count * groups, out.offsets);
    };
    return source;
  }
};

PackedW4 pack(ThreadPool& threads, int64_t group, const LinearSource& source) {
  return PackedW4::pack(threads, group, std::span(&source, 1));
}

OwnedTensor run(ThreadPool& threads, const OwnedTensor& x, int64_t rows, const PackedW4& layer) {
  OwnedTensor y = unwritten({rows, layer.out()});
  linear(threads, x.view().data<float>(), rows, layer, Epilogue::kWrite, y.view().data<float>(),
         layer.out());
  return y;
}

// Rounding of the activations is the reference's; groups are summed in float, each product of two
// scales and a sum rounded twice.
::testing::AssertionResult matches(const OwnedTensor& x, const Stored& stored, ConstTensor bias,
                                   const OwnedTensor& y) {
  const int64_t rows = y.view().dim(0);
  const OwnedTensor want = unwritten({rows, stored.N}), magnitude = unwritten({rows, stored.N});
  const ConstTensor some = x.view().rows(0, rows);
  reference::linear_w4(some, stored.values.view(), bias, want.view());
  reference::linear_magnitude(some, stored.magnitudes.view(), bias, magnitude.view());
  const double error = sum_error(3 * stored.K / stored.group) + 4 * kUnit;
  return close(y.view().span<float>(), want.view().span<float>(), [&](size_t i) {
    return error * (double(magnitude.view().data<float>()[i]) * 1.01 + 1e-30);
  });
}

class LinearW4 : public ::testing::TestWithParam<Form> {
 protected:
  Stored stored(int64_t N, int64_t groups, uint32_t seed = 1) const {
    return {N, groups * GetParam().group, GetParam(), seed};
  }
};

TEST_P(LinearW4, KeepsStoredWeightsToTheBit) {
  for (const int64_t N : {1, 31, 32, 33, 70}) {
    const Stored each = stored(N, 3);
    const PackedW4 layer = pack(team(2), each.group, each.source());
    std::vector<float> row(static_cast<size_t>(each.K));
    for (int64_t n = 0; n < N; ++n) {
      layer.row(n, row.data());
      ASSERT_TRUE(same_bits(row, each.values.view().rows(n, 1).span<float>())) << n;
    }
  }
}

TEST_P(LinearW4, MatchesReferenceForAwkwardSizesAndTeams) {
  for (const int64_t groups : {1, 5}) {
    for (const int64_t N : {1, 16, 31, 32, 33, 130}) {
      const Stored each = stored(N, groups, uint32_t(N));
      const OwnedTensor x = random_tensor({97, each.K}, 1, 2);
      for (const int members : {1, 2, 3}) {
        const PackedW4 layer = pack(team(members), each.group, each.source());
        for (const int64_t rows : {0, 1, 2, 3, 5, 6, 7, 8, 13, 16, 17, 97}) {
          ASSERT_TRUE(matches(x, each, {}, run(team(members), x, rows, layer)))
              << N << " x " << each.K << " rows " << rows << " team " << members;
        }
      }
    }
  }
}

// The promise decoding builds on: a row's result is the same alone, among others, and in any team.
TEST_P(LinearW4, ARowDoesNotDependOnItsCompany) {
  const Stored each = stored(173, 5);
  std::vector<float> alone;
  for (const int members : {1, 2, 3}) {
    const PackedW4 layer = pack(team(members), each.group, each.source());
    for (const int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 64, 97, 130}) {
      const OwnedTensor x = random_tensor({rows, each.K}, 1, uint32_t(rows));
      const OwnedTensor last = random_tensor({each.K}, 1, 77);
      std::copy_n(last.view().data<float>(), each.K, x.view().data<float>() + (rows - 1) * each.K);
      const OwnedTensor y = run(team(members), x, rows, layer);
      const auto got = y.view().rows(rows - 1, 1).span<float>();
      if (alone.empty()) alone.assign(got.begin(), got.end());
      ASSERT_TRUE(same_bits(got, alone)) << "rows " << rows << " team " << members;
    }
  }
}

TEST_P(LinearW4, EpiloguesAndBiasFollowTheSum) {
  const Stored each = stored(70, 2);
  const OwnedTensor x = random_tensor({40, each.K}, 1, 2), bias = random_tensor({70}, 1, 3),
                    before = random_tensor({40, 70}, 1, 4);
  LinearSource source = each.source();
  const PackedW4 plain = pack(team(2), each.group, source);
  source.bias = bias.view();
  const PackedW4 biased = pack(team(2), each.group, source);
  for (const int64_t rows : {3, 40}) {
    const OwnedTensor product = run(team(2), x, rows, plain), sum = run(team(2), x, rows, biased);
    EXPECT_TRUE(matches(x, each, bias.view(), sum));
    for (const Epilogue epilogue : {Epilogue::kAdd, Epilogue::kRelu, Epilogue::kGelu}) {
      for (const bool with_bias : {false, true}) {
        const OwnedTensor y = copy_of(before.view().rows(0, rows));
        linear(team(2), x.view().data<float>(), rows, with_bias ? biased : plain, epilogue,
               y.view().data<float>(), 70);
        const OwnedTensor& linear_part = with_bias ? sum : product;
        for (int64_t i = 0; i < rows * 70; ++i) {
          const float value = linear_part.view().data<float>()[i];
          const double want = epilogue == Epilogue::kAdd
                                  ? double(value) + double(before.view().data<float>()[i])
                              : epilogue == Epilogue::kRelu ? std::max(double(value), 0.0)
                                                            : reference::gelu(double(value));
          // Adding may be fused with the product by the output's factor: one rounding of it.
          const double error = 2 * kUnit * (std::abs(double(value)) + std::abs(want)) + 2.5e-7;
          ASSERT_LE(std::abs(double(y.view().data<float>()[i]) - want), error) << int(epilogue);
        }
      }
    }
  }
}

TEST_P(LinearW4, WritesNothingBesideItsColumns) {
  const Stored each = stored(33, 1);
  const PackedW4 layer = pack(team(2), each.group, each.source());
  const OwnedTensor x = random_tensor({20, each.K}, 1, 2);
  for (const int64_t rows : {2, 20}) {
    const OwnedTensor y = unwritten({rows, 40});
    linear(team(2), x.view().data<float>(), rows, layer, Epilogue::kWrite,
           y.view().data<float>() + 3, 40);
    for (int64_t i = 0; i < rows * 40; ++i) {
      const int64_t column = i % 40;
      EXPECT_EQ(std::isnan(y.view().data<float>()[i]), column < 3 || column >= 36) << i;
    }
  }
}

// All codes and activations at their ends: no integer sum may wrap or saturate on its way.
TEST_P(LinearW4, SumsOfTheGreatestNumbersAreExact) {
  Stored each = stored(33, 3);
  const int64_t K = each.K;
  std::fill(each.scales.begin(), each.scales.end(), 1.0f);
  std::fill(each.offsets.begin(), each.offsets.end(), 1.0f);
  for (const int code : {0, each.greatest()}) {
    std::fill(each.codes.begin(), each.codes.end(), uint8_t(each.bits == 4 ? code * 17 : code));
    const PackedW4 layer = pack(team(1), each.group, each.source());
    for (const float sign : {-1.0f, 1.0f}) {
      OwnedTensor x({}, DType::kF32, {7, K});
      for (float& value : x.view().span<float>()) value = 127 * sign;
      const OwnedTensor y = run(team(1), x, 7, layer);
      const float weight = float(each.symmetric ? code - each.middle() : code + 1);
      for (const float got : y.view().span<float>()) {
        EXPECT_EQ(got, float(K) * 127 * sign * weight);
      }
    }
  }
}

TEST_P(LinearW4, RowsWithoutAScaleCountAsZeros) {
  const Stored each = stored(33, 2);
  const PackedW4 layer = pack(team(1), each.group, each.source());
  for (const float value : {0.0f, 1e-44f, INFINITY}) {
    OwnedTensor x({}, DType::kF32, {1, each.K});
    for (float& element : x.view().span<float>()) element = value;
    const OwnedTensor y = run(team(1), x, 1, layer);
    for (const float got : y.view().span<float>()) EXPECT_EQ(got, 0.0f) << value;
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, LinearW4,
                         ::testing::Values(Form{32, true}, Form{32, false}, Form{64, true},
                                           Form{64, false}, Form{128, true}, Form{128, false},
                                           Form{32, true, 5}, Form{32, false, 5},
                                           Form{128, true, 5}, Form{16, true, 6},
                                           Form{16, false, 6}, Form{64, true, 6}),
                         [](const ::testing::TestParamInfo<Form>& info) {
                           return std::string(info.param.symmetric ? "symmetric" : "offsets") +
                                  std::to_string(info.param.group) + "_" +
                                  std::to_string(info.param.bits) + "bits";
                         });

// The same sums in the same order: codes below 16 give the same bits in whatever they are kept.
TEST(PackedW4, SmallCodesGiveTheSameBitsInEveryWidth) {
  const Stored four(45, 160, {32, false});
  const OwnedTensor x = random_tensor({21, 160}, 1, 2);
  const PackedW4 layer = pack(team(2), 32, four.source());
  for (const int bits : {5, 6}) {
    Stored wide(45, 160, {32, false, bits});
    for (int64_t i = 0; i < 45 * 160; ++i) wide.codes[size_t(i)] = uint8_t(four.code_at(i));
    wide.scales = four.scales;
    wide.offsets = four.offsets;
    const PackedW4 wider = pack(team(2), 32, wide.source());
    EXPECT_GT(wider.size_bytes(), layer.size_bytes());
    for (const int64_t rows : {1, 3, 8, 21}) {
      const OwnedTensor want = run(team(2), x, rows, layer), got = run(team(2), x, rows, wider);
      EXPECT_TRUE(same_bits(got.view().span<float>(), want.view().span<float>()))
          << bits << " bits, rows " << rows;
    }
  }
}

// Bits of a weight, scales included, as docs/formats.md has them: 64 outputs and no padding.
TEST(PackedW4, TakesTheBitsOfItsCodesAndHalves) {
  struct Expected {
    Form form;
    double bits;
  };
  for (const Expected& each :
       {Expected{{32, true}, 4.5}, Expected{{32, false}, 5}, Expected{{32, true, 5}, 5.5},
        Expected{{32, false, 5}, 6}, Expected{{16, true, 6}, 7}}) {
    const Stored stored(64, 1024, each.form);
    const PackedW4 layer = pack(team(1), each.form.group, stored.source());
    EXPECT_EQ(double(layer.size_bytes()), each.bits / 8 * 64 * 1024 + 64 * sizeof(float));
  }
}

// Rows far apart in size: each has its own power of two, so halves hold all of them.
TEST(PackedW4, HoldsScalesBeyondTheRangeOfHalves) {
  Stored each(64, 64, {32, false});
  for (size_t i = 0; i < each.scales.size(); ++i) {
    const float factor = std::ldexp(1.0f, int(i / 2) * 2 - 60);
    each.scales[i] *= factor;
    each.offsets[i] *= factor;
  }
  const PackedW4 layer = pack(team(1), 32, each.source());
  std::vector<float> row(64);
  for (int64_t n = 0; n < 64; ++n) {
    layer.row(n, row.data());
    for (int64_t k = 0; k < 64; ++k) {
      const auto g = size_t(n * 2 + k / 32);
      const auto code = float((each.codes[size_t(n * 32 + k / 2)] >> (4 * (k % 2))) & 15);
      EXPECT_EQ(row[size_t(k)], code * each.scales[g] + each.offsets[g]) << n << " " << k;
    }
  }
}

TEST(PackedW4, StacksSources) {
  for (const int bits : {4, 5, 6}) {
    const Form halves{32, true, bits}, offsets{32, false, bits};
    const Stored a(33, 64, halves, 1), b(7, 64, offsets, 2), c(50, 64, halves, 3);
    const LinearSource sources[] = {a.source(), b.source(), c.source()};
    const PackedW4 layer = PackedW4::pack(team(2), 32, sources);
    ASSERT_EQ(layer.out(), 90);
    std::vector<float> row(64);
    const Stored* of[] = {&a, &b, &c};
    for (int64_t n = 0; n < 90; ++n) {
      const int which = n < 33 ? 0 : n < 40 ? 1 : 2;
      const int64_t at = n - (which == 0 ? 0 : which == 1 ? 33 : 40);
      layer.row(n, row.data());
      ASSERT_TRUE(close(row, of[which]->values.view().rows(at, 1).span<float>(), 0))
          << bits << " bits, row " << n;
    }
  }
}

// Rounding floats to 16 steps of a group costs what it must: for a normal distribution, groups of
// 32 and the best scale the error is about a twelfth of the deviation.
TEST(PackedW4, RoundsFloatsWell) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 0.02f);
  for (const int64_t K : {320, 333}) {
    OwnedTensor w({}, DType::kF32, {40, K}), back({}, DType::kF32, {40, K});
    for (float& value : w.view().span<float>()) value = normal(random);
    LinearSource source;
    source.values = w.view();
    const PackedW4 layer = pack(team(2), 32, source);
    for (int64_t n = 0; n < 40; ++n) layer.row(n, back.view().data<float>() + n * K);
    const double error = maie::testing::relative_error(back.view(), w.view());
    EXPECT_LT(error, 0.09);
    EXPECT_GT(error, 0.05);  // 4 bits: less would mean that something else was measured
    Stored values(40, 320, {32, true});
    if (K != 320) continue;
    const OwnedTensor x = random_tensor({5, K}, 1, 2);
    values.values = copy_of(back.view());
    EXPECT_TRUE(matches(x, values, {}, run(team(2), x, 5, layer)));
  }
}

TEST(PackedW4, ShortLastGroupsCountAsZeros) {
  const OwnedTensor w = random_tensor({40, 45}, 1, 1), x = random_tensor({20, 45}, 1, 2);
  LinearSource source;
  source.values = w.view();
  const PackedW4 layer = pack(team(2), 32, source);
  OwnedTensor back({}, DType::kF32, {40, 45});
  for (int64_t n = 0; n < 40; ++n) layer.row(n, back.view().data<float>() + n * 45);
  for (const int64_t rows : {1, 20}) {
    const OwnedTensor want = unwritten({rows, 40}), y = run(team(2), x, rows, layer);
    reference::linear_w4(x.view().rows(0, rows), back.view(), {}, want.view());
    EXPECT_TRUE(close(y.view(), want.view(), 45 * 4 * kUnit));
  }
}

TEST(PackedW4, RefusesWrongSources) {
  const Stored a(3, 64, {32, true}), b(3, 64, {64, true}), narrow(3, 32, {32, true}),
      five(3, 64, {32, true, 5});
  const OwnedTensor w = random_tensor({3, 64}, 1, 1);
  LinearSource floats;
  floats.values = w.view();
  const auto refuses = [&](const LinearSource& first, const LinearSource& second) {
    const LinearSource sources[] = {first, second};
    EXPECT_THROW((void)PackedW4::pack(team(1), 32, sources), ContractError);
  };
  refuses(a.source(), b.source());
  refuses(a.source(), narrow.source());
  refuses(a.source(), five.source());
  refuses(a.source(), floats);
  LinearSource both = a.source();
  both.values = w.view();
  refuses(both, a.source());
  LinearSource odd = a.source();
  odd.quantised.group = 16;
  refuses(odd, odd);
  odd = five.source();
  odd.quantised.group = 16;
  refuses(odd, odd);
  odd = five.source();
  odd.quantised.bits = 7;
  refuses(odd, odd);
  LinearSource biased = a.source();
  biased.bias = w.view().rows(0, 1).reshaped({64});
  refuses(biased, a.source());
}

}  // namespace
}  // namespace maie::cpu
