// Attention of single decoder rows. Bound by memory: keys and values of a window stream through
// once for up to four rows that look at it, straight from their stored type.

#include "kernels/cpu/decoder_attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/cpu/attention_blocks.h"
#include "kernels/cpu/kv_store.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/sizes.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/decoder_attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maie::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One head of one row over its cells.
template <class Elem>
HWY_ATTR void history_head(const float* q, const Elem* cache, int64_t C, int64_t offset, int64_t D,
                           RowHistory history, float factor, float* scores, float* y) {
  const F d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  for (int32_t t = 0; t < history.count; ++t) {
    const Elem* key = cache + int64_t{history.cells[t]} * 2 * C + offset;
    V sum = hn::Zero(d);
    int64_t i = 0;
    for (; i + lanes <= D; i += lanes)
      sum = hn::MulAdd(hn::LoadU(d, q + i), load_as_float(d, key + i), sum);
    float total = hn::GetLane(hn::SumOfLanes(d, sum));
    for (; i < D; ++i) total += q[i] * float(key[i]);
    scores[t] = total * factor;
  }
  const float norm = 1.0f / softmax_row(scores, history.count, scores);
  int64_t i = 0;
  for (; i + lanes <= D; i += lanes) {
    V sum = hn::Zero(d);
    for (int32_t t = 0; t < history.count; ++t) {
      const Elem* value = cache + int64_t{history.cells[t]} * 2 * C + C + offset;
      sum = hn::MulAdd(hn::Set(d, scores[t]), load_as_float(d, value + i), sum);
    }
    hn::StoreU(hn::Mul(sum, hn::Set(d, norm)), d, y + i);
  }
  for (; i < D; ++i) {
    float sum = 0;
    for (int32_t t = 0; t < history.count; ++t) {
      sum += scores[t] * float(cache[int64_t{history.cells[t]} * 2 * C + C + offset + i]);
    }
    y[i] = sum * norm;
  }
}

HWY_ATTR void history_kernel(const float* q, ConstTensor cache, int64_t C, int64_t offset,
                             int64_t D, RowHistory history, float factor, float* scores, float* y) {
  if (cache.dtype() == DType::kBF16) {
    history_head(q, cache.data<BFloat16>(), C, offset, D, history, factor, scores, y);
  } else {
    history_head(q, cache.data<float>(), C, offset, D, history, factor, scores, y);
  }
}

}  // namespace maie::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maie::cpu {
namespace {

HWY_EXPORT(history_kernel);

int64_t padded(int64_t T) { return ceil_div(T, kKeyBlock) * kKeyBlock; }

struct CrossLayout {
  size_t key_bytes, value_bytes, scale_bytes, head_bytes;
  CrossLayout(DType type, int64_t T, int64_t D)
      : key_bytes(aligned(size_t(padded(T) * D) * size_of(type))),
        value_bytes(aligned(size_t(T * D) * size_of(type))),
        scale_bytes(type == DType::kI8 ? aligned(size_t(padded(T)) * 4) : 0),
        head_bytes(key_bytes + value_bytes + 2 * scale_bytes) {}
};

}  // namespace

size_t CrossKeyValues::storage_bytes(DType type, int64_t T, int64_t C, int64_t heads) {
  return CrossLayout(type, T, C / heads).head_bytes * size_t(heads);
}

const std::byte* CrossKeyValues::keys(int64_t head) const {
  return data_ + size_t(head) * CrossLayout(type_, T_, D_).head_bytes;
}
const std::byte* CrossKeyValues::values(int64_t head) const {
  return keys(head) + CrossLayout(type_, T_, D_).key_bytes;
}
const float* CrossKeyValues::key_scales(int64_t head) const {
  if (type_ != DType::kI8) return nullptr;
  return reinterpret_cast<const float*>(values(head) + CrossLayout(type_, T_, D_).value_bytes);
}
const float* CrossKeyValues::value_scales(int64_t head) const {
  if (type_ != DType::kI8) return nullptr;
  return key_scales(head) + CrossLayout(type_, T_, D_).scale_bytes / 4;
}

CrossKeyValues CrossKeyValues::pack(ThreadPool& threads, DType type, const float* kv, int64_t T,
                                    int64_t C, int64_t heads, std::byte* storage) {
  check(type == DType::kF32 || type == DType::kBF16 || type == DType::kI8, "cross cache type");
  CrossKeyValues packed;
  packed.type_ = type;
  packed.T_ = T;
  packed.D_ = C / heads;
  packed.heads_ = heads;
  packed.data_ = storage;
  const int64_t D = packed.D_;
  const CrossLayout layout(type, T, D);
  threads.for_each(heads, [&](int64_t head, int) {
    std::byte* keys = storage + size_t(head) * layout.head_bytes;
    std::byte* values = keys + layout.key_bytes;
    auto* key_scales = reinterpret_cast<float*>(values + layout.value_bytes);
    auto* value_scales = key_scales + layout.scale_bytes / 4;
    // Positions past T in the last block: zero keys; their scores are never read.
    std::memset(keys + size_t(T / kKeyBlock * kKeyBlock * D) * size_of(type), 0,
                layout.key_bytes - size_t(T / kKeyBlock * kKeyBlock * D) * size_of(type));
    for (int64_t t = 0; t < T; ++t) {
      const float* k = kv + t * 2 * C + head * D;
      std::byte* key = keys + size_t(t / kKeyBlock * kKeyBlock * D + t % kKeyBlock) * size_of(type);
      const float key_back = store_vector(type, k, D, key, kKeyBlock);
      const float value_back =
          store_vector(type, k + C, D, values + size_t(t * D) * size_of(type), 1);
      if (type == DType::kI8) {
        key_scales[t] = key_back;
        value_scales[t] = value_back;
      }
    }
    for (int64_t t = T; type == DType::kI8 && t < padded(T); ++t)
      key_scales[t] = value_scales[t] = 0;
  });
  return packed;
}

void cross_attention(ThreadPool& threads, const float* q, int64_t rows,
                     std::span<const CrossKeyValues* const> windows, ScoreOutputs scores,
                     float* y) {
  check(int64_t(windows.size()) == rows, "one window a row");
  if (rows == 0) return;
  // Runs of up to four neighbouring rows of one window.
  struct Group {
    int64_t first;
    int count;
  };
  std::vector<Group> groups;
  for (int64_t r = 0; r < rows; ++r) {
    if (!groups.empty() && groups.back().count < kQueriesTogether &&
        windows[size_t(groups.back().first)] == windows[size_t(r)]) {
      ++groups.back().count;
    } else {
      groups.push_back({r, 1});
    }
  }
  const int64_t heads = windows[0]->heads();
  const int64_t D = windows[0]->D();
  const int64_t C = heads * D;
  const float factor = 1.0f / std::sqrt(float(D));
  // Heads outside, groups inside: groups of one window follow each other on the same keys.
  threads.for_each(heads * int64_t(groups.size()), [&](int64_t index, int) {
    const int64_t head = index / int64_t(groups.size());
    const Group group = groups[size_t(index % int64_t(groups.size()))];
    const CrossKeyValues& window = *windows[size_t(group.first)];
    const int64_t T = window.T();
    const int64_t stride = padded(T);
    auto* scratch = reinterpret_cast<float*>(
        member_scratch(0, size_t(kQueriesTogether) * size_t(stride + D) * 4));
    const float* queries[kQueriesTogether];
    float* rows_scores[kQueriesTogether];
    const float* weights[kQueriesTogether];
    float* outputs[kQueriesTogether];
    for (int r = 0; r < group.count; ++r) {
      float* scaled = scratch + kQueriesTogether * stride + r * D;
      scale_row(q + (group.first + r) * C + head * D, factor, D, scaled);
      queries[r] = scaled;
      weights[r] = rows_scores[r] = scratch + r * stride;
      outputs[r] = y + (group.first + r) * C + head * D;
    }
    score_blocks(window.type(), group.count, queries, window.keys(head), window.key_scales(head),
                 stride / kKeyBlock, D, rows_scores);
    float norms[kQueriesTogether];
    for (int r = 0; r < group.count; ++r) {
      if (!scores.of_head.empty() && scores.of_head[size_t(head)] != nullptr) {
        std::copy_n(rows_scores[r], T, scores.of_head[size_t(head)] + (group.first + r) * T);
      }
      norms[r] = 1.0f / softmax_row(rows_scores[r], T, rows_scores[r]);
      if (const float* scales = window.value_scales(head)) {
        for (int64_t t = 0; t < T; ++t) rows_scores[r][t] *= scales[t];
      }
    }
    mix_values(window.type(), group.count, weights, window.values(head), T, D, /*add=*/false,
               outputs);
    for (int r = 0; r < group.count; ++r) scale_row(outputs[r], norms[r], D, outputs[r]);
  });
}

void cached_attention(ThreadPool& threads, const float* qkv, int64_t rows, int64_t heads,
                      std::span<const RowHistory> histories, Tensor cache, float* y) {
  check(int64_t(histories.size()) == rows, "one history a row");
  const int64_t C = cache.dim(1) / 2;
  const int64_t D = C / heads;
  const float factor = 1.0f / std::sqrt(float(D));
  int32_t longest = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const RowHistory history = histories[size_t(r)];
    longest = std::max(longest, history.count);
    const int64_t cell = history.cells[history.count - 1];
    const float* kv = qkv + r * 3 * C + C;
    if (cache.dtype() == DType::kBF16) {
      round_to_bf16(kv, 2 * C, 1.0f,
                    reinterpret_cast<uint16_t*>(cache.data<BFloat16>() + cell * 2 * C));
    } else {
      std::copy_n(kv, 2 * C, cache.data<float>() + cell * 2 * C);
    }
  }
  threads.for_each(rows * heads, [&](int64_t index, int) {
    const int64_t row = index / heads;
    const int64_t offset = index % heads * D;
    auto* scores = reinterpret_cast<float*>(member_scratch(0, size_t(longest) * 4));
    HWY_DYNAMIC_DISPATCH(history_kernel)
    (qkv + row * 3 * C + offset, cache, C, offset, D, histories[size_t(row)], factor, scores,
     y + row * C + offset);
  });
}

}  // namespace maie::cpu
#endif  // HWY_ONCE
