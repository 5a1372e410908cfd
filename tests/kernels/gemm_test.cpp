#include "kernels/cpu/gemm.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "kernels/cpu/isa.h"
#include "kernels/reference/linear.h"
#include "tests/kernels/closeness.h"

namespace maie::cpu {
namespace {

using maie::testing::close;
using maie::testing::kUnit;
using maie::testing::random_tensor;
using maie::testing::sum_error;
using maie::testing::unwritten;

struct Size {
  int64_t K, N;
};
const std::vector<Size>& sizes() {
  static const std::vector<Size> all = [] {
    std::vector<Size> sizes;
    for (const int64_t K : {1, 31, 32, 33, 65}) {
      for (const int64_t N : {1, 31, 33, 64, 65}) sizes.push_back({K, N});
    }
    for (const Size size : {Size{1280, 33}, {33, 1280}, {768, 768}, {2049, 40}, {1, 1280}}) {
      sizes.push_back(size);
    }
    return sizes;
  }();
  return all;
}
const std::vector<int64_t> kRows = {1, 2, 3, 4, 5, 9, 17, 65};
constexpr int64_t kMostRows = 65;

// Both implementations behind one call.
struct Packed {
  GemmType type;
  int64_t K, N;
  bool direct;  // portable::, past the choice of the library
  Buffer storage;
  GemmMatrix matrix;

  Packed(GemmType type_, int64_t K_, int64_t N_, const GemmSource& source, bool direct_)
      : type(type_), K(K_), N(N_), direct(direct_) {
    storage = Buffer(
        {}, direct ? portable::packed_bytes(type, K, N) : GemmMatrix::packed_bytes(type, K, N));
    if (direct) {
      portable::pack(type, K, N, source, storage.data());
    } else {
      matrix = GemmMatrix::pack(type, K, N, source, storage.data());
    }
  }
  void multiply(const void* a, int64_t lda, int64_t rows, void* d, int64_t ldd) const {
    if (direct) {
      portable::gemm(type, K, N, storage.data(), a, lda, rows, d, ldd);
    } else {
      gemm(matrix, a, lda, rows, d, ldd);
    }
  }
};

std::vector<uint16_t> bf16_bits(ConstTensor x) {
  std::vector<uint16_t> bits;
  for (const float value : x.span<float>()) bits.push_back(BFloat16(value).bits);
  return bits;
}

// Our own loops write into wider rows, whose margin must stay untouched. The library is asked for
// dense rows, as all of the engine does: it has fast kernels for those only.
void check_floats(const Packed& b, const void* a, ConstTensor want, ConstTensor magnitude,
                  const char* what) {
  for (const int64_t rows : kRows) {
    const int64_t ldd = b.direct ? b.N + 3 : b.N;
    const OwnedTensor d = unwritten({rows, ldd});
    b.multiply(a, b.K, rows, d.view().data<float>(), ldd);
    for (int64_t r = 0; r < rows; ++r) {
      const auto got = d.view().span<float>().subspan(size_t(r * ldd), size_t(ldd));
      const float* sizes_of_row = magnitude.data<float>() + r * b.N;
      ASSERT_TRUE(close(got.first(size_t(b.N)), {want.data<float>() + r * b.N, size_t(b.N)},
                        [&](size_t n) { return sum_error(b.K) * double(sizes_of_row[n]); }))
          << what << " K " << b.K << " N " << b.N << " row " << r << " of " << rows << " direct "
          << b.direct;
      for (const float margin : got.subspan(size_t(b.N)))
        ASSERT_TRUE(std::isnan(margin)) << "margin";
    }
  }
}

TEST(Gemm, Float32MatchesReference) {
  for (const Size size : sizes()) {
    const OwnedTensor x = random_tensor({kMostRows, size.K}, 1, 1);
    const OwnedTensor w = random_tensor({size.N, size.K}, 1, 2);
    const OwnedTensor want = unwritten({kMostRows, size.N}),
                      magnitude = unwritten({kMostRows, size.N});
    reference::linear(x.view(), w.view(), {}, want.view());
    reference::linear_magnitude(x.view(), w.view(), {}, magnitude.view());
    // The transposed source, as a linear layer stores it, and a plain one.
    OwnedTensor plain({}, DType::kF32, {size.K, size.N});
    for (int64_t k = 0; k < size.K; ++k) {
      for (int64_t n = 0; n < size.N; ++n) {
        plain.view().data<float>()[k * size.N + n] = w.view().data<float>()[n * size.K + k];
      }
    }
    for (const bool direct : {false, true}) {
      const Packed from_rows(GemmType::kF32, size.K, size.N, {w.view().raw(), true, 1, size.K},
                             direct);
      check_floats(from_rows, x.view().raw(), want.view(), magnitude.view(), "f32");
      const Packed from_columns(GemmType::kF32, size.K, size.N,
                                {plain.view().raw(), true, size.N, 1}, direct);
      check_floats(from_columns, x.view().raw(), want.view(), magnitude.view(), "f32 plain");
    }
  }
}

// The products of two bfloat16 are exact in float, so the rounded operands leave the error of a
// float sum only.
TEST(Gemm, BFloat16MatchesReference) {
  for (const Size size : sizes()) {
    const OwnedTensor x = random_tensor({kMostRows, size.K}, 1, 3);
    const OwnedTensor w = random_tensor({size.N, size.K}, 1, 4);
    const std::vector<uint16_t> a = bf16_bits(x.view()), stored = bf16_bits(w.view());
    const OwnedTensor want = unwritten({kMostRows, size.N}),
                      magnitude = unwritten({kMostRows, size.N});
    reference::linear_bf16(x.view(), w.view(), {}, want.view());
    reference::linear_magnitude(x.view(), w.view(), {}, magnitude.view());
    for (const bool direct : {false, true}) {
      const Packed from_floats(GemmType::kBF16, size.K, size.N, {w.view().raw(), true, 1, size.K},
                               direct);
      check_floats(from_floats, a.data(), want.view(), magnitude.view(), "bf16 of floats");
      const Packed from_bits(GemmType::kBF16, size.K, size.N, {stored.data(), false, 1, size.K},
                             direct);
      check_floats(from_bits, a.data(), want.view(), magnitude.view(), "bf16 of bits");
    }
  }
}

void expect_exact_int8(int64_t K, int64_t N, int64_t rows, const std::vector<uint8_t>& a,
                       const std::vector<int8_t>& b) {
  for (const bool direct : {false, true}) {
    const Packed packed(GemmType::kI8, K, N, {b.data(), false, 1, K}, direct);
    std::vector<int32_t> d(size_t(rows * N), 0x55555555);
    packed.multiply(a.data(), K, rows, d.data(), N);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t n = 0; n < N; ++n) {
        int32_t want = 0;
        for (int64_t k = 0; k < K; ++k) want += a[size_t(r * K + k)] * b[size_t(n * K + k)];
        ASSERT_EQ(d[size_t(r * N + n)], want)
            << "K " << K << " N " << N << " row " << r << " column " << n << " direct " << direct;
      }
    }
  }
}

TEST(Gemm, Int8SumsAreExact) {
  for (const Size size : sizes()) {
    std::mt19937 random(7);
    const int64_t rows = size.K * size.N > 100'000 ? 5 : 17;
    std::vector<uint8_t> a(size_t(rows * size.K));
    std::vector<int8_t> b(size_t(size.N * size.K));
    for (uint8_t& value : a) value = uint8_t(random() % 255 + 1);
    for (int8_t& value : b) value = int8_t(int(random() % 255) - 127);
    expect_exact_int8(size.K, size.N, rows, a, b);
  }
}

// The largest sums there are: all of one sign. 8-bit products that are summed in float or in 16 bit
// anywhere lose their last bit here.
TEST(Gemm, Int8SumsAreExactAtTheirLargest) {
  for (const int64_t K : {511, 512, 513, 1023, 1024, 1025, 1280, 5120}) {
    for (const int sign : {1, -1}) {
      const std::vector<uint8_t> a(size_t(3 * K), 255);
      const std::vector<int8_t> b(size_t(33 * K), int8_t(sign * 127));
      expect_exact_int8(K, 33, 3, a, b);
    }
  }
}

// The library's cache of plans is keyed by sizes: another stride is another plan.
TEST(Gemm, ReadsRowsAtAnyStride) {
  constexpr int64_t kK = 40, kN = 24, kStride = 57;
  const OwnedTensor wide = random_tensor({9, kStride}, 1, 5);
  const OwnedTensor w = random_tensor({kN, kK}, 1, 6);
  OwnedTensor x({}, DType::kF32, {9, kK});
  for (int64_t r = 0; r < 9; ++r) {
    std::copy_n(wide.view().data<float>() + r * kStride, kK, x.view().data<float>() + r * kK);
  }
  for (const bool direct : {false, true}) {
    const Packed b(GemmType::kF32, kK, kN, {w.view().raw(), true, 1, kK}, direct);
    const OwnedTensor narrow = unwritten({9, kN}), strided = unwritten({9, kN});
    b.multiply(x.view().raw(), kK, 9, narrow.view().raw(), kN);
    b.multiply(wide.view().raw(), kStride, 9, strided.view().raw(), kN);
    EXPECT_TRUE(close(strided.view(), narrow.view(), 40 * kUnit));
  }
}

TEST(Gemm, AnEmptyDepthGivesZerosAndNoRowsGiveNothing) {
  for (const GemmType type : {GemmType::kF32, GemmType::kBF16, GemmType::kI8}) {
    for (const bool direct : {false, true}) {
      const float nothing[4] = {};
      const Packed empty(type, 0, 5, {nothing, type != GemmType::kI8, 1, 0}, direct);
      const OwnedTensor d = unwritten({3, 5});
      empty.multiply(nothing, 0, 3, d.view().raw(), 5);
      for (const float value : d.view().span<float>())
        EXPECT_EQ(std::bit_cast<uint32_t>(value), 0u);

      const OwnedTensor w = random_tensor({5, 8}, 1, 1);
      const Packed full(type, 8, 5, {w.view().raw(), type != GemmType::kI8, 1, 8}, direct);
      const OwnedTensor untouched = unwritten({1, 5});
      full.multiply(nothing, 8, 0, untouched.view().raw(), 5);
      for (const float value : untouched.view().span<float>()) EXPECT_TRUE(std::isnan(value));
    }
  }
}

// A limit must really hold, or the slower paths would go untested.
TEST(Isa, TheLimitHolds) {
  const Isa& machine = isa();
  const char* limit = std::getenv("MAIE_CPU_ISA");
  EXPECT_EQ(machine.limit, limit == nullptr ? "native" : limit);
  if (machine.limit == "plain") {
    EXPECT_FALSE(machine.avx2);
  }
  if (machine.limit == "plain" || machine.limit == "avx2") {
    EXPECT_FALSE(machine.avx512);
    EXPECT_FALSE(machine.vnni);
    EXPECT_FALSE(machine.bf16);
  }
}

}  // namespace
}  // namespace maie::cpu
