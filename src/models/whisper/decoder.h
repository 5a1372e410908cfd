#pragma once

#include <span>
#include <vector>

#include "models/whisper/encoder.h"
#include "ops/attention.h"
#include "ops/embed.h"

namespace maie::whisper {

/// What the decoder needs of one encoded window: the keys and values of every layer's
/// cross-attention. Made by `Model::new_window`, filled by `Model::encode`, used by any number of
/// rows.
struct Window {
  std::vector<ops::CrossCache> layers;
  size_t size_bytes() const;
};

/// One row of a decoder pass: a token on top of a history.
struct DecoderRow {
  int token = 0;
  int position = 0;
  ops::RowHistory history;  ///< cells of positions 0..position; its own, the last, is written
  const Window* window = nullptr;  ///< equal neighbours share passes over its keys
};

/// Keys and values of decoder self-attention: one tensor [cells, 2C] a layer. Memory is touched
/// only as cells come into use, so room for the worst case costs address space, not memory.
class DecoderCache {
 public:
  DecoderCache() = default;
  DecoderCache(Device device, DType type, int layers, int64_t cells, int64_t C);

  Tensor layer(int index) const { return layers_[size_t(index)].view(); }
  int64_t cells() const { return cells_; }

 private:
  std::vector<OwnedTensor> layers_;
  int64_t cells_ = 0;
};

/// Raw cross-attention scores q·k / sqrt(D) of the alignment heads: [heads, R, T] for the rows of
/// one pass, in the order of Config::alignment_heads.
struct AlignmentScores {
  std::vector<float> values;
  int64_t T = 0;
};

/// Causal decoder block with cross-attention to the encoder's states.
class DecoderBlock {
 public:
  DecoderBlock(LayerReader& reader, const Config& config, const LayerTypes& types, int index);

  /// Keys and values of the encoder states for this layer.
  /// @param states [T, C]. @param cache of that size.
  void store_cross(Stream& s, ConstTensor states, Arena& scratch, ops::CrossCache& cache) const;

  /// @param x [R, C] residual stream, updated in place. @param windows one cross cache a row.
  /// @param head_scores  empty or one pointer a head, see ops::cross_attention.
  void forward(Stream& s, Tensor x, std::span<const ops::RowHistory> histories, Tensor self_cache,
               std::span<const ops::CrossCache* const> windows, std::span<float* const> head_scores,
               Arena& scratch) const;

  /// Bytes of weights that `forward` reads.
  size_t step_weight_bytes() const;

 private:
  int heads_;
  Norm self_norm_, cross_norm_, mlp_norm_;
  ops::LinearWeights self_qkv_, self_out_, cross_q_, cross_kv_, cross_out_, mlp_up_, mlp_down_;
};

/// Token and position embeddings, blocks, last normalisation, and logits by the transposed
/// embeddings.
class Decoder {
 public:
  Decoder(LayerReader& reader, const Config& config, const LayerTypes& types);

  /// Fills `window` from encoder states [T, C].
  void store_window(Stream& s, ConstTensor states, Arena& scratch, Window& window) const;

  /// Runs `rows` and leaves logits [wanted.size(), V] of the rows named in `wanted`.
  /// @param scores  where to leave alignment scores of all rows; null: none.
  void forward(Stream& s, std::span<const DecoderRow> rows, const DecoderCache& cache,
               std::span<const int> wanted, Arena& scratch, Tensor logits,
               AlignmentScores* scores) const;

  int64_t vocabulary() const { return logits_.out(); }
  size_t step_weight_bytes() const;

 private:
  int heads_;
  std::vector<AlignmentHead> alignment_heads_;
  Stored embeddings_;
  OwnedTensor positions_;
  std::vector<DecoderBlock> blocks_;
  Norm last_norm_;
  ops::LinearWeights logits_;
};

}  // namespace maie::whisper
