#pragma once

#include <cstdint>
#include <span>

#include "base/threads.h"
#include "kernels/cpu/gemm.h"
#include "tensor/dtype.h"

namespace maie::cpu {

/// Positions in a page of keys and values.
inline constexpr int64_t kKvPage = 64;

/// Keys and values of one layer: pages of kKvPage positions, each with all key heads.
///
/// A head's part of a page: keys in blocks of 16 positions (D x 16, so that one vector holds one
/// component of 16 positions), values kKvPage x D, with int8 one scale for each key and each value.
class KvStore {
 public:
  KvStore() = default;
  /// @param type kF32, kBF16 or kI8. @param storage storage_bytes, aligned to 64.
  KvStore(DType type, int64_t pages, int64_t heads, int64_t D, std::byte* storage);
  static size_t storage_bytes(DType type, int64_t pages, int64_t heads, int64_t D);

  DType type() const { return type_; }
  int64_t pages() const { return pages_; }
  int64_t heads() const { return heads_; }
  int64_t D() const { return D_; }
  std::byte* keys(int64_t page, int64_t head) const;
  std::byte* values(int64_t page, int64_t head) const;
  float* key_scales(int64_t page, int64_t head) const;    ///< [kKvPage], null but for kI8
  float* value_scales(int64_t page, int64_t head) const;  ///< likewise

 private:
  DType type_ = DType::kF32;
  int64_t pages_ = 0, heads_ = 0, D_ = 0;
  std::byte* storage_ = nullptr;
};

/// Consecutive rows of one sequence: at positions past, past + 1, ...
struct SequenceRows {
  std::span<const int32_t> pages;  ///< page p holds positions [p * kKvPage, (p + 1) * kKvPage)
  int64_t past = 0;                ///< positions before the first of the rows
  int64_t rows = 0;
};

/// Up to so many rows of a sequence stream the stored keys; more are packed for matrix products.
/// A row's result depends on which of the two it is, and on nothing else of its company.
inline constexpr int64_t kStreamedRows = 16;

/// Bytes of scratch that `paged_attention` needs for these sequences.
size_t paged_attention_scratch_bytes(GemmType type, const KvStore& store,
                                     std::span<const SequenceRows> sequences);

/// Stores the keys and values of all rows, then lets every row attend over its sequence up to
/// itself.
/// @param type  kF32 or kBF16: of the products of many rows; sums and softmax are float.
/// @param qkv   [rows, (heads + 2 * store.heads()) * D] float, rows q | k | v.
/// @param y     [rows, heads * D]. Query head h reads key head h / (heads / store.heads()).
void paged_attention(ThreadPool& threads, GemmType type, const float* qkv, int64_t heads,
                     std::span<const SequenceRows> sequences, const KvStore& store,
                     std::byte* scratch, float* y);

}  // namespace maie::cpu
