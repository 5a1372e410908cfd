#include "ops/attention.h"

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/self_attention.h"
#include "ops/dispatch.h"

namespace maie::ops {

void self_attention(Stream& s, ConstTensor qkv, const SelfAttentionOptions& options, Arena& scratch,
                    Tensor y) {
  const auto [B, T, width] = qkv.dims<3>();
  const int64_t C = width / 3;
  check(width == 3 * C && C % options.heads == 0, "self_attention: q | k | v of whole heads");
  check(y.shape() == Shape({B, T, C}), "self_attention: shape of y");
  switch (s.device().kind) {
    case Device::Kind::kCpu: {
      const bool reduced =
          options.type != ComputeType::kFloat32 && cpu::gemm_is_native(cpu::GemmType::kBF16);
      const auto type = reduced ? cpu::GemmType::kBF16 : cpu::GemmType::kF32;
      const Arena::Scope scope(scratch);
      const auto bytes = int64_t(cpu::self_attention_scratch_bytes(type, T, C, options.heads));
      const Tensor packed = scratch.tensor(DType::kU8, {bytes});
      if (s.is_dry_run()) return;
      cpu::self_attention(s.threads(), type, qkv.data<float>(), B, T, C, options.heads,
                          static_cast<std::byte*>(packed.raw()), y.data<float>());
      return;
    }
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

CrossCache::CrossCache(Device device, DType type, int64_t T, int64_t C, int heads)
    : type_(type), T_(T), C_(C), heads_(heads) {
  switch (device.kind) {
    case Device::Kind::kCpu:
      storage_ = Buffer(device, cpu::CrossKeyValues::storage_bytes(type, T, C, heads));
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(device);
}

void CrossCache::store(Stream& s, ConstTensor kv) {
  check(kv.shape() == Shape({T_, 2 * C_}), "cross cache: k | v of the window");
  if (s.is_dry_run()) return;
  switch (s.device().kind) {
    case Device::Kind::kCpu:
      cpu_ = cpu::CrossKeyValues::pack(s.threads(), type_, kv.data<float>(), T_, C_, heads_,
                                       storage_.data());
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

void cross_attention(Stream& s, ConstTensor q, std::span<const CrossCache* const> windows,
                     std::span<float* const> head_scores, Tensor y) {
  check(q.shape() == y.shape() && q.rank() == 2, "cross_attention: y like q");
  check(int64_t(windows.size()) == q.dim(0), "cross_attention: one window a row");
  if (s.is_dry_run()) return;
  switch (s.device().kind) {
    case Device::Kind::kCpu: {
      std::vector<const cpu::CrossKeyValues*> packed;
      packed.reserve(windows.size());
      for (const CrossCache* window : windows) {
        check(window != nullptr && window->cpu().heads() * window->cpu().D() == q.dim(1),
              "cross_attention: a filled window of the width for each row");
        packed.push_back(&window->cpu());
      }
      check(head_scores.empty() || packed.empty() ||
                int64_t(head_scores.size()) == packed.front()->heads(),
            "cross_attention: one place for scores a head");
      cpu::cross_attention(s.threads(), q.data<float>(), q.dim(0), packed, {head_scores},
                           y.data<float>());
      return;
    }
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

void cached_attention(Stream& s, ConstTensor qkv, int heads, std::span<const RowHistory> histories,
                      Tensor cache, Tensor y) {
  const int64_t C = y.dim(-1);
  check(qkv.dim(-1) == 3 * C && leading(qkv) == leading(y), "cached_attention: shape of y");
  check(cache.rank() == 2 && cache.dim(1) == 2 * C, "cached_attention: cache [cells, 2C]");
  check(int64_t(histories.size()) == leading(qkv), "cached_attention: one history a row");
  if (s.is_dry_run()) return;
  for (const RowHistory& history : histories) {
    check(history.count >= 1, "cached_attention: a history ends with the row's own cell");
    for (int32_t i = 0; i < history.count; ++i) {
      check(history.cells[i] >= 0 && history.cells[i] < cache.dim(0),
            "cached_attention: cells of the cache");
    }
  }
  switch (s.device().kind) {
    case Device::Kind::kCpu:
      cpu::cached_attention(s.threads(), qkv.data<float>(), leading(qkv), heads, histories, cache,
                            y.data<float>());
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

}  // namespace maie::ops
