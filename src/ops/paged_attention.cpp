#include "ops/paged_attention.h"

#include <algorithm>

#include "ops/dispatch.h"

namespace maie::ops {

KvPages::KvPages(Device device, DType type, int64_t pages, int kv_heads, int64_t D) {
  switch (device.kind) {
    case Device::Kind::kCpu:
      storage_ = Buffer(device, size_bytes(type, pages, kv_heads, D));
      cpu_ = cpu::KvStore(type, pages, kv_heads, D, storage_.data());
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(device);
}

void KvPages::read(int64_t page, std::span<std::byte> out) const {
  check(page >= 0 && page < pages() && out.size() == page_bytes(), "a page and its bytes");
  std::copy_n(storage_.data() + size_t(page) * out.size(), out.size(), out.data());
}

void KvPages::write(int64_t page, std::span<const std::byte> bytes) {
  check(page >= 0 && page < pages() && bytes.size() == page_bytes(), "a page and its bytes");
  std::copy_n(bytes.data(), bytes.size(), storage_.data() + size_t(page) * bytes.size());
}

size_t KvPages::size_bytes(DType type, int64_t pages, int kv_heads, int64_t D) {
  return cpu::KvStore::storage_bytes(type, pages, kv_heads, D);
}

void paged_attention(Stream& s, ConstTensor qkv, std::span<const SequenceRows> sequences,
                     const PagedAttentionOptions& options, const KvPages& pages, Arena& scratch,
                     Tensor y) {
  const auto [R, width] = qkv.dims<2>();
  const int64_t kv_heads = pages.cpu().heads();
  const int64_t D = pages.cpu().D();
  check(options.heads >= 1 && options.heads % kv_heads == 0,
        "paged_attention: query heads in equal groups");
  check(width == (options.heads + 2 * kv_heads) * D, "paged_attention: q | k | v of whole heads");
  check(y.shape() == Shape({R, options.heads * D}), "paged_attention: shape of y");
  int64_t rows = 0;
  for (const SequenceRows& sequence : sequences) {
    check(sequence.past >= 0 && sequence.rows >= 0, "paged_attention: rows behind a past");
    check(int64_t(sequence.pages.size()) * kKvPage >= sequence.past + sequence.rows,
          "paged_attention: pages for every position");
    for (const int32_t page : sequence.pages) {
      check(page >= 0 && page < pages.pages(), "paged_attention: pages of the cache");
    }
    rows += sequence.rows;
  }
  check(rows == R, "paged_attention: a sequence for each row");
  switch (s.device().kind) {
    case Device::Kind::kCpu: {
      const bool reduced =
          options.type != ComputeType::kFloat32 && cpu::gemm_is_native(cpu::GemmType::kBF16);
      const auto type = reduced ? cpu::GemmType::kBF16 : cpu::GemmType::kF32;
      const Arena::Scope scope(scratch);
      const Tensor packed = scratch.tensor(
          DType::kU8, {int64_t(cpu::paged_attention_scratch_bytes(type, pages.cpu(), sequences))});
      if (s.is_dry_run()) return;
      cpu::paged_attention(s.threads(), type, qkv.data<float>(), options.heads, sequences,
                           pages.cpu(), static_cast<std::byte*>(packed.raw()), y.data<float>());
      return;
    }
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

}  // namespace maie::ops
