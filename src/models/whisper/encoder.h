#pragma once

#include <string>
#include <vector>

#include "models/whisper/config.h"
#include "models/whisper/weights.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "tensor/arena.h"

namespace maie::whisper {

/// A normalisation that owns its weights as float32.
struct Norm {
  OwnedTensor gamma, beta;
  ops::NormWeights view() const { return {gamma.view(), beta.view()}; }
};

/// How the layers of a model compute; chosen once by `Model::load`.
struct LayerTypes {
  ComputeType linear = ComputeType::kFloat32;     ///< projections and MLPs
  ComputeType attention = ComputeType::kFloat32;  ///< products of the encoder's attention
  ComputeType conv = ComputeType::kFloat32;       ///< the two convolutions
  DType cross_cache = DType::kF32;                ///< encoder keys and values kept for the decoder
  DType self_cache = DType::kF32;                 ///< decoder keys and values
};

/// Reads tensors of a model file into packed layers, one after the other; the first failure is kept
/// and everything after it is skipped, so that the code that builds a model reads like its
/// description.
class LayerReader {
 public:
  LayerReader(Stream& s, const Weights& weights) : stream_(s), weights_(weights) {}

  Stream& stream() { return stream_; }
  const Status& status() const { return status_; }
  /// Memory of all layers packed so far.
  size_t packed_bytes() const { return packed_bytes_; }

  /// `names`: layers with [out, in] weights stacked by rows (q | k | v); bias where the file has
  /// one.
  ops::LinearWeights linear(ComputeType type, std::vector<std::string> names, int64_t out,
                            int64_t in);
  /// A convolution [out, in, kernel] as the linear layer over its unfolded windows.
  ops::LinearWeights conv(ComputeType type, const std::string& name, int64_t out, int64_t in,
                          int64_t kernel);
  Norm norm(const std::string& name, int64_t width);
  /// A float32 copy of a table.
  OwnedTensor table(const std::string& name, int64_t rows, int64_t width);
  /// The tensor as stored.
  Stored stored(const std::string& name, const Shape& shape);
  /// Packs [out, in] weights that have been read.
  ops::LinearWeights pack(ComputeType type, const Stored& weight, ConstTensor bias);

 private:
  Stored keep(Result<Stored> tensor);

  Stream& stream_;
  const Weights& weights_;
  Status status_;
  size_t packed_bytes_ = 0;
};

/// Pre-norm Transformer encoder block (Whisper, arXiv:2212.04356, section 2.2).
class EncoderBlock {
 public:
  EncoderBlock(LayerReader& reader, const Config& config, const LayerTypes& types, int index);

  /// @param x        [1, T, C] residual stream of one window, updated in place; T counts 20 ms
  /// frames.
  /// @param scratch  arena of `s`; what the block takes is given back on return.
  /// @throws ContractError when x does not fit the weights, DeviceError when a launch fails.
  void forward(Stream& s, Tensor x, Arena& scratch) const;

 private:
  int heads_;
  ComputeType attention_type_;
  Norm attn_norm_, mlp_norm_;
  ops::LinearWeights qkv_, attn_out_, mlp_up_, mlp_down_;
};

/// Log-mel to encoder states: two convolutions, sinusoids, blocks, a last normalisation.
/// Immutable after construction; any thread, each with its own stream and arena.
class Encoder {
 public:
  Encoder(LayerReader& reader, const Config& config, const LayerTypes& types);

  /// @param mel [2T, F] float32 log-mel, time-major. @param states [T, C] float32.
  void forward(Stream& s, ConstTensor mel, Arena& scratch, Tensor states) const;

 private:
  int64_t width_;
  ops::LinearWeights conv1_, conv2_;
  OwnedTensor positions_;
  std::vector<EncoderBlock> blocks_;
  Norm last_norm_;
};

}  // namespace maie::whisper
