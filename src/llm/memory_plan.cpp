#include "llm/memory_plan.h"

#include <algorithm>

#include "models/qwen3/packer.h"
#include "ops/paged_attention.h"

namespace maie::llm {
namespace {

size_t padded(int64_t size) { return size_t((size + 63) / 64 * 64); }

// Codes of a row, a scale and an offset of two bytes each for a group, and the output's factor.
size_t row_bytes(const formats::StoredMatrix& matrix, size_t K, int bits) {
  const bool dense = matrix.layout() == formats::StoredLayout::kDense;
  const auto group = size_t(dense ? 32 : formats::w4_group(matrix.form()));
  return K * size_t(bits) / 8 + (K / group + 1) * (matrix.symmetric() ? 2 : 4) + 4;
}

// A packed matrix: its values, scales and sums, and the padding of blocks.
size_t packed_bytes(const formats::StoredMatrix& matrix, ComputeType wanted) {
  const size_t N = padded(matrix.rows()), K = padded(matrix.columns());
  switch (qwen3::Packer::type_of(Device{}, wanted, matrix)) {
    case ComputeType::kFloat32: return N * K * 4;
    case ComputeType::kInt8:
      if (matrix.layout() != formats::StoredLayout::kW6) return N * (K + 12);
      return N * row_bytes(matrix, K, matrix.form().bits);
    case ComputeType::kInt4: return N * row_bytes(matrix, K, 4);
    default: return N * K * 2;
  }
}

}  // namespace

MemoryPlan plan_memory(const qwen3::Weights& weights, ComputeType wanted, DType cache_type,
                       int64_t pages, int rows, int64_t logits) {
  const qwen3::Config& c = weights.config();
  MemoryPlan plan;
  for (const qwen3::WeightSpec& spec : qwen3::weight_specs(c)) {
    const bool is_output =
        spec.name == (c.tied_embeddings ? "embed_tokens.weight" : "lm_head.weight");
    if (spec.shape.rank() != 2 || (spec.name == "embed_tokens.weight" && !is_output)) continue;
    plan.weights += packed_bytes(weights.matrix(spec.name), wanted);
  }
  plan.cache =
      size_t(c.layers) * ops::KvPages::size_bytes(cache_type, pages, c.kv_heads, c.head_width);
  // The residual stream, the wider of the two halves of a block, and the keys and values of eight
  // heads packed for the products of a prompt.
  const int64_t attention = c.heads * c.head_width;
  const int64_t half = std::max(c.width + c.qkv_width() + attention, c.width + 3 * c.mlp_width);
  const int64_t packed = std::min(c.kv_heads, 8) * 2 * pages * ops::kKvPage *
                         int64_t(padded(c.head_width)) * (wanted == ComputeType::kFloat32 ? 4 : 2);
  plan.work = size_t(rows * (2 * c.width + half) * 4 + packed + logits * c.vocabulary * 4);
  return plan;
}

}  // namespace maie::llm
