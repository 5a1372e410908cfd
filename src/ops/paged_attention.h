#pragma once

#include <span>

#include "kernels/cpu/paged_attention.h"
#include "tensor/arena.h"

namespace maie::ops {

/// Positions in a page of keys and values.
inline constexpr int64_t kKvPage = cpu::kKvPage;

/// Up to so many rows of a sequence in one call have exactly the result they have alone.
inline constexpr int64_t kExactRows = cpu::kStreamedRows;

/// Consecutive rows of one sequence, and the pages that hold its positions.
using SequenceRows = cpu::SequenceRows;

/// Keys and values of one decoder layer, in pages of kKvPage positions. Which pages a sequence has
/// is its owner's business: sequences with the same beginning may share the pages that lie wholly
/// in it. Memory is claimed at once.
class KvPages {
 public:
  /// @param type float32, bfloat16 or int8 (one scale for each key and each value of a head).
  KvPages(Device device, DType type, int64_t pages, int kv_heads, int64_t D);

  static size_t size_bytes(DType type, int64_t pages, int kv_heads, int64_t D);
  int64_t pages() const { return cpu_.pages(); }
  /// The bytes of one page, to keep elsewhere and to bring back (the same type, heads and D).
  size_t page_bytes() const { return storage_.size_bytes() / size_t(pages()); }
  void read(int64_t page, std::span<std::byte> out) const;
  void write(int64_t page, std::span<const std::byte> bytes);
  const cpu::KvStore& cpu() const { return cpu_; }

 private:
  Buffer storage_;
  cpu::KvStore cpu_;
};

struct PagedAttentionOptions {
  int heads = 1;  ///< of queries; a multiple of the pages' heads
  ComputeType type =
      ComputeType::kFloat32;  ///< of products of many rows: float32, else bfloat16 if native
};

/// Causal self-attention with grouped queries (arXiv:2305.13245) over pages. First the keys and
/// values of all rows go to their pages, then y = softmax(q kᵀ / sqrt(D)) v, each row over its
/// sequence up to itself; query head h reads key head h / (heads / kv_heads).
/// @param qkv [R, (heads + 2 kv_heads) D] float32, rows q | k | v, rotated.
/// @param sequences  whose rows follow each other in qkv; in one call none may write to a page that
/// another reads, except that the rows of one sequence may come in several entries, in order.
/// @param scratch    gives the packed keys and values of a long sequence, returned before the end.
/// @param y [R, heads * D] float32.
void paged_attention(Stream& s, ConstTensor qkv, std::span<const SequenceRows> sequences,
                     const PagedAttentionOptions& options, const KvPages& pages, Arena& scratch,
                     Tensor y);

}  // namespace maie::ops
