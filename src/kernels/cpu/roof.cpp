#include "kernels/cpu/roof.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <vector>

#include "tensor/tensor.h"

namespace maie::cpu {
namespace {

template <class Body>
double best_seconds(int passes, const Body& body) {
  double best = 1e9;
  for (int pass = 0; pass < passes; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    body();
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

// Sums 64-bit words in eight chains, so that only the memory limits the rate.
uint64_t sum_words(const uint64_t* words, size_t count) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i + 8 <= count; i += 8) {
    for (size_t j = 0; j < 8; ++j) sums[j] += words[i + j];
  }
  return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}

}  // namespace

double measure_read_bandwidth(ThreadPool& threads) {
  constexpr size_t kShare = size_t{128} << 20;  // of each member
  const size_t members = std::min<size_t>(size_t(threads.size()), 16);
  Buffer block({}, kShare * members);
  threads.run([&](int member) {
    if (size_t(member) < members) std::memset(block.data() + size_t(member) * kShare, 1, kShare);
  });
  std::atomic<uint64_t> total{0};  // keeps the compiler from leaving the loop out
  const double seconds = best_seconds(6, [&] {
    threads.run([&](int member) {
      if (size_t(member) >= members) return;
      const auto* words = reinterpret_cast<const uint64_t*>(block.data() + size_t(member) * kShare);
      total += sum_words(words, kShare / 8);
    });
  });
  return double(kShare * members) / seconds;
}

double measure_gemm_rate(ThreadPool& threads, GemmType type) {
  constexpr int64_t kRows = 64, K = 512, N = 512;
  constexpr int kRepeats = 40;
  const size_t bytes = gemm_element_bytes(type);
  std::vector<std::byte> weights(size_t(K * N) *
                                 bytes);  // zeros: the rate does not depend on values
  Buffer packed({}, GemmMatrix::packed_bytes(type, K, N));
  const GemmMatrix b = GemmMatrix::pack(
      type, K, N, {weights.data(), type == GemmType::kF32, /*stride_k=*/N, /*stride_n=*/1},
      packed.data());
  const double seconds = best_seconds(6, [&] {
    threads.run([&](int) {
      std::vector<std::byte> a(size_t(kRows * K) * bytes);
      std::vector<float> d(size_t(kRows * N));
      for (int i = 0; i < kRepeats; ++i) gemm(b, a.data(), K, kRows, d.data(), N);
    });
  });
  return 2.0 * kRows * K * N * kRepeats * threads.size() / seconds;
}

}  // namespace maie::cpu
