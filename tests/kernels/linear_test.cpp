#include "kernels/cpu/linear.h"

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

// Teams of one, two and three, shared by all tests.
ThreadPool& team(int size) {
  static std::unique_ptr<ThreadPool> teams[4];
  if (!teams[size]) teams[size] = std::make_unique<ThreadPool>(size);
  return *teams[size];
}

struct Size {
  int64_t K, N;
};
std::vector<Size> sizes() {
  std::vector<Size> all;
  for (const int64_t K : {0, 1, 31, 32, 33, 63, 64, 65}) {
    for (const int64_t N : {0, 1, 31, 33, 64, 65, 130}) all.push_back({K, N});
  }
  for (const Size size : {Size{1280, 65}, {65, 1280}, {768, 200}}) all.push_back(size);
  return all;
}
const std::vector<int64_t> kRows = {0, 1, 2, 5, 8, 9, 16, 17, 64, 65, 130};
constexpr int64_t kMostRows = 130;

ConstTensor no_tensor() { return {}; }

// A layer and what it should give: W, its form for the type, y = x Wᵀ + b, and Σ|x w| + |b|.
struct Case {
  GemmType type;
  Size size;
  OwnedTensor x, w, bias, q, scales, want, magnitude;

  Case(GemmType type_, Size size_) : type(type_), size(size_) {
    const int64_t K = size.K, N = size.N;
    x = random_tensor({kMostRows, K}, 1, 1);
    w = random_tensor({N, K}, 1, 2);
    bias = random_tensor({N}, 1, 3);
    want = unwritten({kMostRows, N});
    magnitude = unwritten({kMostRows, N});
    reference::linear_magnitude(x.view(), w.view(), bias.view(), magnitude.view());
    if (type == GemmType::kF32) reference::linear(x.view(), w.view(), bias.view(), want.view());
    if (type == GemmType::kBF16)
      reference::linear_bf16(x.view(), w.view(), bias.view(), want.view());
    if (type == GemmType::kI8) {
      q = OwnedTensor({}, DType::kI8, {N, K});
      scales = OwnedTensor({}, DType::kF32, {N});
      reference::quantize_weights(w.view(), q.view(), scales.view());
      reference::linear_int8(x.view(), q.view(), scales.view(), bias.view(), want.view());
    }
  }

  // Of one output: a float sum of K products and a bias; in 8 bit the sum is exact, and what
  // remains is its conversion, two scales and the bias.
  double tolerance(size_t index) const {
    const double magnitudes = double(magnitude.view().data<float>()[index]);
    return (type == GemmType::kI8 ? 5 * kUnit : sum_error(size.K + 1)) * (magnitudes + 1e-30);
  }
};

void expect_matches(const Case& c, ThreadPool& threads, const PackedLinear& layer) {
  const int64_t N = c.size.N;
  for (const int64_t rows : kRows) {
    const OwnedTensor y = unwritten({rows, N});
    linear(threads, c.x.view().data<float>(), rows, layer, Epilogue::kWrite,
           y.view().data<float>());
    ASSERT_TRUE(close(y.view().span<float>(), c.want.view().rows(0, rows).span<float>(),
                      [&](size_t i) { return c.tolerance(i); }))
        << "type " << int(c.type) << " K " << c.size.K << " N " << N << " rows " << rows << " team "
        << threads.size();
  }
}

class LinearOfType : public ::testing::TestWithParam<GemmType> {};

TEST_P(LinearOfType, MatchesReferenceForAwkwardSizesAndTeams) {
  for (const Size size : sizes()) {
    const Case c(GetParam(), size);
    for (const int members : {1, 2, 3}) {
      ThreadPool& threads = team(members);
      const PackedLinear layer =
          PackedLinear::pack(threads, c.type, c.w.view(), no_tensor(), c.bias.view());
      EXPECT_EQ(layer.in(), size.K);
      EXPECT_EQ(layer.out(), size.N);
      expect_matches(c, threads, layer);
      if (HasFatalFailure()) return;
    }
  }
}

// What each epilogue makes of the plain result. GELU's slope is below 1.13, its own error as in
// rows_test.cpp.
TEST_P(LinearOfType, EpiloguesFollowTheSum) {
  const Case c(GetParam(), {65, 130});
  const PackedLinear layer =
      PackedLinear::pack(team(2), c.type, c.w.view(), no_tensor(), c.bias.view());
  for (const int64_t rows : {3, 40}) {
    const OwnedTensor before = random_tensor({rows, 130}, 1, 9);
    for (const Epilogue epilogue : {Epilogue::kGelu, Epilogue::kRelu, Epilogue::kAdd}) {
      const OwnedTensor y =
          epilogue == Epilogue::kAdd ? copy_of(before.view()) : unwritten({rows, 130});
      const OwnedTensor want = unwritten({rows, 130});
      for (int64_t i = 0; i < rows * 130; ++i) {
        const double plain = double(c.want.view().data<float>()[i]);
        want.view().data<float>()[i] =
            float(epilogue == Epilogue::kGelu   ? reference::gelu(plain)
                  : epilogue == Epilogue::kRelu ? std::max(plain, 0.0)
                                                : plain + double(before.view().data<float>()[i]));
      }
      linear(team(2), c.x.view().data<float>(), rows, layer, epilogue, y.view().data<float>());
      EXPECT_TRUE(close(y.view().span<float>(), want.view().span<float>(), [&](size_t i) {
        return 1.13 * c.tolerance(i) +
               2.5e-7 * (1 + std::abs(double(c.want.view().data<float>()[i])));
      })) << int(epilogue);
    }
  }
}

// The promise decoding builds on: a row's result is the same alone, among others, and in any team.
TEST_P(LinearOfType, ARowDoesNotDependOnItsCompany) {
  for (const Size size : {Size{64, 200}, Size{65, 33}, Size{384, 1536}, Size{1536, 384}}) {
    const Case c(GetParam(), size);
    std::vector<float> alone;
    for (const int members : {1, 2, 3}) {
      const PackedLinear layer =
          PackedLinear::pack(team(members), c.type, c.w.view(), no_tensor(), c.bias.view());
      for (const int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 33, 64, 65, 130}) {
        // The row under test is the last one.
        const OwnedTensor x = random_tensor({rows, size.K}, 1, uint32_t(rows));
        std::copy_n(c.x.view().data<float>(), size.K, x.view().data<float>() + (rows - 1) * size.K);
        const OwnedTensor y = unwritten({rows, size.N});
        linear(team(members), x.view().data<float>(), rows, layer, Epilogue::kWrite,
               y.view().data<float>());
        const auto last = y.view().rows(rows - 1, 1).span<float>();
        if (alone.empty()) alone.assign(last.begin(), last.end());
        ASSERT_TRUE(same_bits(last, alone)) << "type " << int(c.type) << " K " << size.K << " N "
                                            << size.N << " rows " << rows << " team " << members;
      }
    }
  }
}

TEST_P(LinearOfType, NoBiasMeansZero) {
  const Case c(GetParam(), {33, 65});
  const OwnedTensor zeros = random_tensor({65}, 0, 1);
  const PackedLinear without =
      PackedLinear::pack(team(1), c.type, c.w.view(), no_tensor(), no_tensor());
  const PackedLinear with =
      PackedLinear::pack(team(1), c.type, c.w.view(), no_tensor(), zeros.view());
  for (const int64_t rows : {2, 20}) {
    const OwnedTensor y = unwritten({rows, 65}), want = unwritten({rows, 65});
    linear(team(1), c.x.view().data<float>(), rows, without, Epilogue::kWrite,
           y.view().data<float>());
    linear(team(1), c.x.view().data<float>(), rows, with, Epilogue::kWrite,
           want.view().data<float>());
    EXPECT_TRUE(close(y.view(), want.view(), 0));
  }
}

// Weights and biases stored in half the bits are those very values in float.
TEST_P(LinearOfType, ReadsEveryStoredType) {
  Case c(GetParam(), {65, 33});
  for (const DType stored : {DType::kF16, DType::kBF16}) {
    OwnedTensor w({}, stored, {33, 65}), bias({}, stored, {33});
    const auto store = [&](const OwnedTensor& from, const OwnedTensor& to) {
      for (int64_t i = 0; i < from.view().size(); ++i) {
        float& value = from.view().data<float>()[i];
        if (stored == DType::kF16) {
          to.view().data<Half>()[i] = Half(value);
          value = float(Half(value));
        } else {
          to.view().data<BFloat16>()[i] = BFloat16(value);
          value = float(BFloat16(value));
        }
      }
    };
    store(c.w, w);
    store(c.bias, bias);
    const PackedLinear halves =
        PackedLinear::pack(team(2), c.type, w.view(), no_tensor(), bias.view());
    const PackedLinear floats =
        PackedLinear::pack(team(2), c.type, c.w.view(), no_tensor(), c.bias.view());
    const OwnedTensor y = unwritten({20, 33}), want = unwritten({20, 33});
    linear(team(2), c.x.view().data<float>(), 20, halves, Epilogue::kWrite, y.view().data<float>());
    linear(team(2), c.x.view().data<float>(), 20, floats, Epilogue::kWrite,
           want.view().data<float>());
    EXPECT_TRUE(same_bits(y.view().span<float>(), want.view().span<float>()));
  }
}

std::string name_of(const ::testing::TestParamInfo<GemmType>& info) {
  return info.param == GemmType::kF32    ? "float32"
         : info.param == GemmType::kBF16 ? "bfloat16"
                                         : "int8";
}
INSTANTIATE_TEST_SUITE_P(Types, LinearOfType,
                         ::testing::Values(GemmType::kF32, GemmType::kBF16, GemmType::kI8),
                         name_of);

// A model stored in int8 keeps its values and scales: quantising again would be a second rounding.
TEST(Linear, StoredInt8IsUsedAsItIs) {
  const Case c(GemmType::kI8, {65, 33});
  // Scales that no quantiser would choose for these values.
  for (float& scale : c.scales.view().span<float>()) scale *= 1.7f;
  reference::linear_int8(c.x.view(), c.q.view(), c.scales.view(), c.bias.view(), c.want.view());
  expect_matches(
      c, team(2),
      PackedLinear::pack(team(2), GemmType::kI8, c.q.view(), c.scales.view(), c.bias.view()));
}

TEST(Linear, StoredInt8BecomesFloatWhereAskedFor) {
  Case c(GemmType::kF32, {65, 33});
  OwnedTensor q({}, DType::kI8, {33, 65}), scales({}, DType::kF32, {33});
  reference::quantize_weights(c.w.view(), q.view(), scales.view());
  for (int64_t n = 0; n < 33; ++n) {
    for (int64_t k = 0; k < 65; ++k) {
      c.w.view().data<float>()[n * 65 + k] =
          float(q.view().data<int8_t>()[n * 65 + k]) / scales.view().data<float>()[n];
    }
  }
  reference::linear(c.x.view(), c.w.view(), c.bias.view(), c.want.view());
  expect_matches(
      c, team(2),
      PackedLinear::pack(team(2), GemmType::kF32, q.view(), scales.view(), c.bias.view()));
}

TEST(Linear, RowsOfZerosGiveTheBias) {
  for (const GemmType type : {GemmType::kF32, GemmType::kBF16, GemmType::kI8}) {
    const Case c(type, {64, 33});
    const PackedLinear layer =
        PackedLinear::pack(team(1), type, c.w.view(), no_tensor(), c.bias.view());
    for (const int64_t rows : {1, 20}) {
      const OwnedTensor x = random_tensor({rows, 64}, 0, 1), y = unwritten({rows, 33});
      linear(team(1), x.view().data<float>(), rows, layer, Epilogue::kWrite,
             y.view().data<float>());
      for (int64_t r = 0; r < rows; ++r) {
        EXPECT_TRUE(close(y.view().rows(r, 1).span<float>(), c.bias.view().span<float>(), 0));
      }
    }
  }
}

// Every sum at its largest, in a layer: the offset of the unsigned activations must cancel exactly.
TEST(Linear, Int8IsExactForConstantRows) {
  for (const int64_t K : {64, 1280, 5120}) {
    const OwnedTensor x({}, DType::kF32, {20, K}), w({}, DType::kF32, {33, K});
    for (float& value : x.view().span<float>()) value = 2.0f;
    for (float& value : w.view().span<float>()) value = 0.5f;
    const PackedLinear layer =
        PackedLinear::pack(team(2), GemmType::kI8, w.view(), no_tensor(), no_tensor());
    for (const int64_t rows : {1, 20}) {
      const OwnedTensor y = unwritten({rows, 33});
      linear(team(2), x.view().data<float>(), rows, layer, Epilogue::kWrite,
             y.view().data<float>());
      for (const float value : y.view().span<float>())
        EXPECT_NEAR(value, float(K), double(K) * 5 * kUnit);
    }
  }
}

TEST(Linear, RefusesWrongWeights) {
  const OwnedTensor w = random_tensor({3, 4}, 1, 1), bias = random_tensor({4}, 1, 1);
  const OwnedTensor q({}, DType::kI8, {3, 4}), whole({}, DType::kI32, {3, 4});
  EXPECT_THROW((void)PackedLinear::pack(team(2), GemmType::kF32, w.view(), {}, bias.view()),
               ContractError);
  EXPECT_THROW((void)PackedLinear::pack(team(2), GemmType::kI8, q.view(), {}, {}), ContractError);
  EXPECT_THROW((void)PackedLinear::pack(team(2), GemmType::kF32, whole.view(), {}, {}),
               ContractError);
  EXPECT_THROW((void)PackedLinear::pack(team(2), GemmType::kF32, bias.view(), {}, {}),
               ContractError);
}

}  // namespace
}  // namespace maie::cpu
