// Causal attention of the language models over pages of keys and values, query heads in groups that
// share a key head.
//
// Few rows (decoding, verifying guesses): bound by memory. A member of the team takes one key head
// of one sequence and reads its pages once for four queries at a time, straight from their type.
// Many rows (reading a prompt): bound by arithmetic. The keys and values of a head are packed for
// the matrix library once, then tiles of 64 queries go through scores, softmax and values as in
// self_attention.cpp. Columns behind the diagonal are computed and not read: for a chunk of R rows
// behind P positions they are R/2 of P + R, which chunks of a prompt keep small.

#include "kernels/cpu/paged_attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/attention_blocks.h"
#include "kernels/cpu/kv_store.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/sizes.h"

namespace maie::cpu {
namespace {

constexpr int64_t kTile = 64;          // queries in a matrix product
constexpr int64_t kHeadsTogether = 8;  // key heads of a long sequence packed at a time

struct HeadLayout {
  size_t vector_bytes, scale_bytes, head_bytes;
  HeadLayout(DType type, int64_t D)
      : vector_bytes(aligned(size_t(kKvPage * D) * size_of(type))),
        scale_bytes(type == DType::kI8 ? size_t(kKvPage) * 4 : 0),
        head_bytes(2 * vector_bytes + 2 * scale_bytes) {}
};

// Where the rows of a sequence begin in the call.
struct Placed {
  const SequenceRows* sequence;
  int64_t first_row;
};

void store_row(const KvStore& store, const SequenceRows& sequence, int64_t row, const float* kv) {
  const int64_t D = store.D();
  const int64_t position = sequence.past + row;
  const int64_t page = sequence.pages[size_t(position / kKvPage)];
  const int64_t at = position % kKvPage;
  const size_t element = size_of(store.type());
  for (int64_t head = 0; head < store.heads(); ++head) {
    std::byte* key =
        store.keys(page, head) + size_t(at / kKeyBlock * kKeyBlock * D + at % kKeyBlock) * element;
    const float key_back = store_vector(store.type(), kv + head * D, D, key, kKeyBlock);
    const float value_back = store_vector(store.type(), kv + (store.heads() + head) * D, D,
                                          store.values(page, head) + size_t(at * D) * element, 1);
    if (store.type() == DType::kI8) {
      store.key_scales(page, head)[at] = key_back;
      store.value_scales(page, head)[at] = value_back;
    }
  }
}

// One key head for the queries of all rows of a sequence that read it.
void stream_head(const KvStore& store, int64_t key_head, int64_t heads, const Placed& placed,
                 const float* qkv, float* y) {
  const SequenceRows& sequence = *placed.sequence;
  const int64_t D = store.D();
  const int64_t group = heads / store.heads();
  const int64_t stride = (heads + 2 * store.heads()) * D;
  const float factor = 1.0f / std::sqrt(float(D));
  const int64_t total = sequence.past + sequence.rows;
  const int64_t padded = ceil_div(total, kKeyBlock) * kKeyBlock;
  auto* scratch = reinterpret_cast<float*>(
      member_scratch(0, size_t(kQueriesTogether) * size_t(padded + D) * sizeof(float)));
  const int64_t queries = sequence.rows * group;
  for (int64_t first = 0; first < queries; first += kQueriesTogether) {
    const int count = int(std::min<int64_t>(kQueriesTogether, queries - first));
    const float* scaled[kQueriesTogether];
    float* scores[kQueriesTogether];
    const float* weights[kQueriesTogether];
    float* outputs[kQueriesTogether];
    int64_t lengths[kQueriesTogether];
    int64_t longest = 0;
    for (int i = 0; i < count; ++i) {
      const int64_t row = (first + i) / group;
      const int64_t head = key_head * group + (first + i) % group;
      float* q = scratch + kQueriesTogether * padded + i * D;
      scale_row(qkv + (placed.first_row + row) * stride + head * D, factor, D, q);
      scaled[i] = q;
      scores[i] = scratch + i * padded;
      outputs[i] = y + (placed.first_row + row) * heads * D + head * D;
      lengths[i] = sequence.past + row + 1;
      longest = std::max(longest, lengths[i]);
    }
    float* here[kQueriesTogether];
    const auto move_to = [&](int64_t position) {
      for (int i = 0; i < count; ++i) {
        here[i] = scores[i] + position;
        weights[i] = here[i];
      }
    };
    for (int64_t at = 0; at < longest; at += kKvPage) {
      const int64_t page = sequence.pages[size_t(at / kKvPage)];
      move_to(at);
      score_blocks(store.type(), count, scaled, store.keys(page, key_head),
                   store.key_scales(page, key_head),
                   ceil_div(std::min(kKvPage, longest - at), kKeyBlock), D, here);
    }
    float norms[kQueriesTogether];
    for (int i = 0; i < count; ++i) {
      norms[i] = 1.0f / softmax_row(scores[i], lengths[i], scores[i]);
      std::fill(scores[i] + lengths[i], scores[i] + longest, 0.0f);  // what lies behind the row
    }
    for (int64_t at = 0; at < longest; at += kKvPage) {
      const int64_t page = sequence.pages[size_t(at / kKvPage)];
      const int64_t positions = std::min(kKvPage, longest - at);
      move_to(at);
      if (const float* scales = store.value_scales(page, key_head)) {
        for (int i = 0; i < count; ++i) {
          for (int64_t t = 0; t < positions; ++t) here[i][t] *= scales[t];
        }
      }
      mix_values(store.type(), count, weights, store.values(page, key_head), positions, D, at > 0,
                 outputs);
    }
    for (int i = 0; i < count; ++i) scale_row(outputs[i], norms[i], D, outputs[i]);
  }
}

float element_of(const std::byte* data, DType type, int64_t index) {
  switch (type) {
    case DType::kI8: return float(reinterpret_cast<const int8_t*>(data)[index]);
    case DType::kBF16: return float(reinterpret_cast<const BFloat16*>(data)[index]);
    default: return reinterpret_cast<const float*>(data)[index];
  }
}

struct PackedBytes {
  size_t keys, values;
  PackedBytes(GemmType type, int64_t T, int64_t D)
      : keys(aligned(GemmMatrix::packed_bytes(type, D, T))),
        values(aligned(GemmMatrix::packed_bytes(type, T, D))) {}
  size_t both() const { return keys + values; }
};

// The first T keys (or values) of a head as a matrix, [D, T] (or [T, D]).
GemmMatrix pack_head(const KvStore& store, GemmType type, const SequenceRows& sequence,
                     int64_t head, int64_t T, bool keys, std::byte* place) {
  const int64_t D = store.D();
  auto* plain = reinterpret_cast<float*>(member_scratch(0, size_t(T * D) * sizeof(float)));
  for (int64_t t = 0; t < T; ++t) {
    const int64_t page = sequence.pages[size_t(t / kKvPage)];
    const int64_t at = t % kKvPage;
    const std::byte* from = keys ? store.keys(page, head) : store.values(page, head);
    const float* scales = keys ? store.key_scales(page, head) : store.value_scales(page, head);
    const float scale = scales != nullptr ? scales[at] : 1.0f;
    const int64_t first = keys ? at / kKeyBlock * kKeyBlock * D + at % kKeyBlock : at * D;
    const int64_t step = keys ? kKeyBlock : 1;
    for (int64_t i = 0; i < D; ++i) {
      plain[t * D + i] = element_of(from, store.type(), first + i * step) * scale;
    }
  }
  return keys ? GemmMatrix::pack(type, D, T, {plain, true, /*stride_k=*/1, /*stride_n=*/D}, place)
              : GemmMatrix::pack(type, T, D, {plain, true, /*stride_k=*/D, /*stride_n=*/1}, place);
}

// One tile of queries of one head.
void multiply_tile(GemmType type, const GemmMatrix& keys, const GemmMatrix& values,
                   const SequenceRows& sequence, int64_t first, const float* q, int64_t q_stride,
                   float* y, int64_t y_stride) {
  const int64_t D = keys.K();
  const int64_t T = keys.N();
  const int64_t rows = std::min(kTile, sequence.rows - first);
  const float factor = 1.0f / std::sqrt(float(D));
  auto* scores =
      reinterpret_cast<float*>(member_scratch(0, size_t(kTile * std::max(T, D)) * sizeof(float)));
  std::byte* left = member_scratch(1, size_t(kTile * std::max(T, D)) * gemm_element_bytes(type));
  auto* left_f32 = reinterpret_cast<float*>(left);
  auto* left_bf16 = reinterpret_cast<uint16_t*>(left);
  float sums[kTile];
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = q + (first + r) * q_stride;
    if (type == GemmType::kF32) {
      scale_row(row, factor, D, left_f32 + r * D);
    } else {
      round_to_bf16(row, D, factor, left_bf16 + r * D);
    }
  }
  gemm(keys, left, D, rows, scores, T);
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t length = sequence.past + first + r + 1;
    if (type == GemmType::kF32) {
      sums[r] = softmax_row(scores + r * T, length, left_f32 + r * T);
      std::fill(left_f32 + r * T + length, left_f32 + (r + 1) * T, 0.0f);
    } else {
      sums[r] = softmax_row_bf16(scores + r * T, length, left_bf16 + r * T);
      std::fill(left_bf16 + r * T + length, left_bf16 + (r + 1) * T, uint16_t{0});
    }
  }
  gemm(values, left, T, rows, scores, D);
  for (int64_t r = 0; r < rows; ++r) {
    scale_row(scores + r * D, 1.0f / sums[r], D, y + (first + r) * y_stride);
  }
}

// All heads of a sequence with many rows.
void multiply_sequence(ThreadPool& threads, GemmType type, const KvStore& store, int64_t heads,
                       const Placed& placed, const float* qkv, std::byte* scratch, float* y) {
  const SequenceRows& sequence = *placed.sequence;
  const int64_t D = store.D();
  const int64_t T = sequence.past + sequence.rows;
  const int64_t group = heads / store.heads();
  const int64_t stride = (heads + 2 * store.heads()) * D;
  const int64_t tiles = ceil_div(sequence.rows, kTile);
  const PackedBytes bytes(type, T, D);
  std::vector<GemmMatrix> keys(static_cast<size_t>(kHeadsTogether));
  std::vector<GemmMatrix> values(keys.size());
  for (int64_t first = 0; first < store.heads(); first += kHeadsTogether) {
    const int64_t count = std::min(kHeadsTogether, store.heads() - first);
    threads.for_each(2 * count, [&](int64_t index, int) {
      const int64_t i = index / 2;
      std::byte* place = scratch + size_t(i) * bytes.both();
      if (index % 2 == 0) {
        keys[size_t(i)] = pack_head(store, type, sequence, first + i, T, true, place);
      } else {
        values[size_t(i)] =
            pack_head(store, type, sequence, first + i, T, false, place + bytes.keys);
      }
    });
    threads.for_each(count * group * tiles, [&](int64_t index, int) {
      const int64_t i = index / (group * tiles);
      const int64_t head = (first + i) * group + index / tiles % group;
      multiply_tile(type, keys[size_t(i)], values[size_t(i)], sequence, index % tiles * kTile,
                    qkv + placed.first_row * stride + head * D, stride,
                    y + placed.first_row * heads * D + head * D, heads * D);
    });
  }
}

}  // namespace

KvStore::KvStore(DType type, int64_t pages, int64_t heads, int64_t D, std::byte* storage)
    : type_(type), pages_(pages), heads_(heads), D_(D), storage_(storage) {
  check(type == DType::kF32 || type == DType::kBF16 || type == DType::kI8, "type of a KV cache");
}

size_t KvStore::storage_bytes(DType type, int64_t pages, int64_t heads, int64_t D) {
  return size_t(pages * heads) * HeadLayout(type, D).head_bytes;
}

std::byte* KvStore::keys(int64_t page, int64_t head) const {
  return storage_ + size_t(page * heads_ + head) * HeadLayout(type_, D_).head_bytes;
}
std::byte* KvStore::values(int64_t page, int64_t head) const {
  return keys(page, head) + HeadLayout(type_, D_).vector_bytes;
}
float* KvStore::key_scales(int64_t page, int64_t head) const {
  if (type_ != DType::kI8) return nullptr;
  return reinterpret_cast<float*>(values(page, head) + HeadLayout(type_, D_).vector_bytes);
}
float* KvStore::value_scales(int64_t page, int64_t head) const {
  if (type_ != DType::kI8) return nullptr;
  return key_scales(page, head) + kKvPage;
}

size_t paged_attention_scratch_bytes(GemmType type, const KvStore& store,
                                     std::span<const SequenceRows> sequences) {
  const int64_t heads = std::min(kHeadsTogether, store.heads());
  size_t most = 0;
  for (const SequenceRows& sequence : sequences) {
    if (sequence.rows <= kStreamedRows) continue;
    const PackedBytes bytes(type, sequence.past + sequence.rows, store.D());
    most = std::max(most, size_t(heads) * bytes.both());
  }
  return most;
}

void paged_attention(ThreadPool& threads, GemmType type, const float* qkv, int64_t heads,
                     std::span<const SequenceRows> sequences, const KvStore& store,
                     std::byte* scratch, float* y) {
  check(type != GemmType::kI8, "attention multiplies in float32 or bfloat16");
  const int64_t stride = (heads + 2 * store.heads()) * store.D();
  std::vector<Placed> few, many;
  int64_t rows = 0;
  for (const SequenceRows& sequence : sequences) {
    (sequence.rows <= kStreamedRows ? few : many).push_back({&sequence, rows});
    rows += sequence.rows;
  }
  for (const std::vector<Placed>* placed : {&few, &many}) {
    for (const Placed& one : *placed) {
      threads.for_each(one.sequence->rows, [&](int64_t row, int) {
        store_row(store, *one.sequence, row,
                  qkv + (one.first_row + row) * stride + heads * store.D());
      });
    }
  }
  threads.for_each(int64_t(few.size()) * store.heads(), [&](int64_t index, int) {
    stream_head(store, index % store.heads(), heads, few[size_t(index / store.heads())], qkv, y);
  });
  for (const Placed& one : many) {
    multiply_sequence(threads, type, store, heads, one, qkv, scratch, y);
  }
}

}  // namespace maie::cpu
