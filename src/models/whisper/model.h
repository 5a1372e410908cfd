#pragma once

#include <memory>
#include <span>

#include "base/status.h"
#include "models/whisper/decoder.h"

namespace maie::whisper {

struct ModelOptions {
  ComputeType compute_type = ComputeType::kAuto;
  int max_rows = 40;  ///< decoder rows of one pass that asks for logits (windows x beams)
};

/// Whisper (arXiv:2212.04356) ready to run: packed weights, activation arena, decoder cache.
/// One thread at a time.
class Model {
 public:
  /// Packs `weights` for the stream's device. @param s outlives the model and serves all its calls.
  static Result<std::unique_ptr<Model>> load(Stream& s, std::shared_ptr<const Weights> weights,
                                             const ModelOptions& options);

  const Config& config() const { return weights_->config(); }
  ComputeType compute_type() const { return compute_type_; }
  size_t weight_bytes() const { return weight_bytes_; }
  /// Of these, the weights every decoder step reads.
  size_t step_weight_bytes() const { return decoder_->step_weight_bytes(); }
  /// Cells of the decoder cache for hypotheses. As many as the text context has positions follow
  /// them, for passes outside of any hypothesis (alignment).
  int64_t cells() const { return cache_.cells() - config().text_context; }

  /// Encoder states of one window. @param mel [2T, F] float32 log-mel, time-major.
  /// @param states [T, C] float32.
  Status encode_states(ConstTensor mel, Tensor states);
  /// The decoder's view of encoder states.
  Status store_window(ConstTensor states, Window& window);
  /// Both steps.
  Status encode(ConstTensor mel, Window& window);
  Window new_window() const;

  /// Rows that one pass with alignment scores may have; longer passes without are cut into pieces.
  int pass_rows() const { return arena_rows_; }

  /// One decoder pass. @param wanted rows in ascending order whose logits are needed.
  /// @param logits [wanted.size(), V] float32. See Decoder::forward.
  Status decode(std::span<const DecoderRow> rows, std::span<const int> wanted, Tensor logits,
                AlignmentScores* scores = nullptr);

 private:
  Model(Stream& s, std::shared_ptr<const Weights> weights, ComputeType type);
  void size_arena(int rows);

  Stream& stream_;
  std::shared_ptr<const Weights> weights_;
  ComputeType compute_type_;
  LayerTypes types_;
  std::unique_ptr<Encoder> encoder_;
  std::unique_ptr<Decoder> decoder_;
  DecoderCache cache_;
  OwnedTensor states_;
  std::unique_ptr<Arena> arena_;
  int arena_rows_ = 0;
  size_t weight_bytes_ = 0;
};

}  // namespace maie::whisper
