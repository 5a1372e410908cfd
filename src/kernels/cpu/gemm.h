#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// Matrix products D = A B of one thread, the only ones in the CPU backend: a layer or an attention
// head cuts its work into pieces, gives each to a member of the team, and the piece lands here. Two
// implementations answer: oneDNN on x86 (gemm_onednn.cpp) and our own portable SIMD loops
// (gemm_portable.cpp), which also serve where oneDNN has no fast path for a type.

namespace maie::cpu {

struct Isa;

/// Types of A, B and D.
enum class GemmType {
  kF32,   ///< float, float, float
  kBF16,  ///< bfloat16, bfloat16, float
  kI8,    ///< uint8 that stands for value + 128, int8, int32: sum((a - 128) * b) + 128 * colsum(b)
};

/// Bytes of one element of A (and of B).
constexpr size_t gemm_element_bytes(GemmType type) {
  return type == GemmType::kF32 ? 4 : type == GemmType::kBF16 ? 2 : 1;
}

/// A right-hand matrix as the caller has it: element (k, n) at data[k*stride_k + n*stride_n].
struct GemmSource {
  const void* data = nullptr;
  bool is_f32 =
      false;  ///< elements are float (converted while packing; not for kI8), else the type's
  int64_t stride_k = 0;
  int64_t stride_n = 0;
};

/// The packed right-hand matrix B [K, N]. Holds a view of bytes the caller owns, which must not
/// move.
class GemmMatrix {
 public:
  GemmMatrix() = default;
  /// Bytes that `pack` needs at `storage` (aligned to 64).
  static size_t packed_bytes(GemmType type, int64_t K, int64_t N);
  static GemmMatrix pack(GemmType type, int64_t K, int64_t N, const GemmSource& source,
                         std::byte* storage);

  GemmType type() const { return type_; }
  int64_t K() const { return K_; }
  int64_t N() const { return N_; }
  const std::byte* data() const { return data_; }
  void* library_handle() const { return handle_.get(); }

 private:
  GemmType type_ = GemmType::kF32;
  int64_t K_ = 0;
  int64_t N_ = 0;
  const std::byte* data_ = nullptr;
  std::shared_ptr<void> handle_;
};

/// D [rows, N] = A [rows, K] B, on the calling thread. Rows are independent of each other.
/// @param a rows of `lda` elements; @param d rows of `ldd` float or int32. Keep them dense (K and
/// N): oneDNN 2.6 answers other strides with its reference loops, some twenty times slower.
void gemm(const GemmMatrix& b, const void* a, int64_t lda, int64_t rows, void* d, int64_t ldd);

/// Whether the matrix library multiplies `type` here, else the portable loops do. A caller that
/// could choose kF32 instead of a kBF16 without it should.
bool gemm_is_native(GemmType type);

/// Keeps the matrix library within the limits of `isa`; called once, before main.
void limit_gemm_library(const Isa& isa);

// The portable implementation, also used directly by its tests.
namespace portable {
size_t packed_bytes(GemmType type, int64_t K, int64_t N);
void pack(GemmType type, int64_t K, int64_t N, const GemmSource& source, std::byte* storage);
void gemm(GemmType type, int64_t K, int64_t N, const std::byte* b, const void* a, int64_t lda,
          int64_t rows, void* d, int64_t ldd);
}  // namespace portable

}  // namespace maie::cpu
