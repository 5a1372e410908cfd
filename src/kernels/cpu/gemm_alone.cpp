// In place of gemm_onednn.cpp where there is no oneDNN: everything runs on the portable loops.

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/isa.h"

namespace maie::cpu {

bool gemm_is_native(GemmType) { return true; }
void limit_gemm_library(const Isa&) {}

size_t GemmMatrix::packed_bytes(GemmType type, int64_t K, int64_t N) {
  return portable::packed_bytes(type, K, N);
}

GemmMatrix GemmMatrix::pack(GemmType type, int64_t K, int64_t N, const GemmSource& source,
                            std::byte* storage) {
  portable::pack(type, K, N, source, storage);
  GemmMatrix packed;
  packed.type_ = type;
  packed.K_ = K;
  packed.N_ = N;
  packed.data_ = storage;
  return packed;
}

void gemm(const GemmMatrix& b, const void* a, int64_t lda, int64_t rows, void* d, int64_t ldd) {
  portable::gemm(b.type(), b.K(), b.N(), b.data(), a, lda, rows, d, ldd);
}

std::vector<std::pair<std::string, std::string>> library_versions() { return {}; }

}  // namespace maie::cpu
