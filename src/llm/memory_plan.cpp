#include "llm/memory_plan.h"

#include <algorithm>

#include "ops/paged_attention.h"

namespace maie::llm {
namespace {

// A packed layer: its values, scale and column sum of each row, and the padding of blocks.
size_t packed_bytes(ComputeType type, int64_t N, int64_t K) {
  const size_t element = type == ComputeType::kFloat32 ? 4 : type == ComputeType::kInt8 ? 1 : 2;
  return size_t(N + 64) * (size_t(K + 64) * element + 12);
}

}  // namespace

MemoryPlan plan_memory(const qwen3::Config& c, ComputeType type, DType cache_type, int64_t pages,
                       int rows, int64_t wanted) {
  const int64_t attention = c.heads * c.head_width;
  MemoryPlan plan;
  plan.weights =
      packed_bytes(type, c.qkv_width(), c.width) + packed_bytes(type, c.width, attention) +
      packed_bytes(type, 2 * c.mlp_width, c.width) + packed_bytes(type, c.width, c.mlp_width);
  plan.weights = size_t(c.layers) * plan.weights + packed_bytes(type, c.vocabulary, c.width);
  plan.cache =
      size_t(c.layers) * ops::KvPages::size_bytes(cache_type, pages, c.kv_heads, c.head_width);
  // The residual stream, the wider of the two halves of a block, and the keys and values of eight
  // heads packed for the products of a prompt.
  const int64_t half = std::max(c.width + c.qkv_width() + attention, c.width + 3 * c.mlp_width);
  const int64_t packed = std::min(c.kv_heads, 8) * 2 * (pages * ops::kKvPage + 64) *
                         (c.head_width + 64) * (type == ComputeType::kFloat32 ? 4 : 2);
  plan.work = size_t(rows * (2 * c.width + half) * 4 + packed + wanted * c.vocabulary * 4);
  return plan;
}

}  // namespace maie::llm
