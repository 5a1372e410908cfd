#include "models/whisper/encoder.h"

#include "ops/attention.h"
#include "ops/unfold.h"

namespace maie::whisper {

EncoderBlock::EncoderBlock(LayerReader& reader, const Config& config, const LayerTypes& types,
                           int index)
    : heads_(config.encoder_heads), attention_type_(types.attention) {
  const std::string base = "encoder.layers." + std::to_string(index) + ".";
  const int64_t C = config.width;
  attn_norm_ = reader.norm(base + "self_attn_layer_norm", C);
  qkv_ = reader.linear(
      types.linear,
      {base + "self_attn.q_proj", base + "self_attn.k_proj", base + "self_attn.v_proj"}, 3 * C, C);
  attn_out_ = reader.linear(types.linear, {base + "self_attn.out_proj"}, C, C);
  mlp_norm_ = reader.norm(base + "final_layer_norm", C);
  mlp_up_ = reader.linear(types.linear, {base + "fc1"}, config.encoder_ffn, C);
  mlp_down_ = reader.linear(types.linear, {base + "fc2"}, C, config.encoder_ffn);
}

void EncoderBlock::forward(Stream& s, Tensor x, Arena& scratch) const {
  const Arena::Scope scope(scratch);
  const auto [B, T, C] = x.dims<3>();
  const Tensor h = scratch.tensor(x.dtype(), {B, T, C});

  // x += Attention(Norm(x)). No mask: every frame may look at every other frame.
  {
    const Arena::Scope attention(scratch);
    const Tensor qkv =
        scratch.tensor(x.dtype(), {B, T, 3 * C});  // q | k | v, each split into heads
    ops::layer_norm(s, x, attn_norm_.view(), h);
    ops::linear(s, h, qkv_, qkv);
    ops::self_attention(s, qkv, {.heads = heads_, .type = attention_type_}, scratch, h);
    ops::linear_add(s, h, attn_out_, x);
  }

  // x += Mlp(Norm(x))
  const Tensor up = scratch.tensor(x.dtype(), {B, T, mlp_up_.out()});
  ops::layer_norm(s, x, mlp_norm_.view(), h);
  ops::linear_gelu(s, h, mlp_up_, up);
  ops::linear_add(s, up, mlp_down_, x);
}

Encoder::Encoder(LayerReader& reader, const Config& config, const LayerTypes& types)
    : width_(config.width) {
  conv1_ = reader.conv(types.conv, "encoder.conv1", config.width, config.mel_bins, 3);
  conv2_ = reader.conv(types.conv, "encoder.conv2", config.width, config.width, 3);
  positions_ = reader.table("encoder.embed_positions.weight", config.audio_context, config.width);
  blocks_.reserve(size_t(config.encoder_layers));
  for (int layer = 0; layer < config.encoder_layers; ++layer) {
    blocks_.emplace_back(reader, config, types, layer);
  }
  last_norm_ = reader.norm("encoder.layer_norm", config.width);
}

void Encoder::forward(Stream& s, ConstTensor mel, Arena& scratch, Tensor states) const {
  const auto [frames, F] = mel.dims<2>();
  const int64_t T = frames / 2;
  const int64_t C = width_;
  check(T * 2 == frames && T == positions_.view().dim(0), "mel frames: twice the audio context");
  const Arena::Scope scope(scratch);
  const Tensor x = scratch.tensor(DType::kF32, {1, T, C});
  {
    // Both convolutions have kernel 3 and one column of padding; the second halves the frame rate.
    const Arena::Scope convolutions(scratch);
    const Tensor windows1 = scratch.tensor(DType::kF32, {1, frames, F * 3});
    const Tensor features = scratch.tensor(DType::kF32, {1, frames, C});
    const Tensor windows2 = scratch.tensor(DType::kF32, {1, T, C * 3});
    ops::unfold(s, mel.reshaped({1, frames, F}), {.kernel = 3, .stride = 1}, windows1);
    ops::linear_gelu(s, windows1, conv1_, features);
    ops::unfold(s, features, {.kernel = 3, .stride = 2}, windows2);
    ops::linear_gelu(s, windows2, conv2_, x);
  }
  ops::add_rows(s, positions_.view(), x);
  for (const EncoderBlock& block : blocks_) block.forward(s, x, scratch);
  ops::layer_norm(s, x.reshaped({T, C}), last_norm_.view(), states);
}

}  // namespace maie::whisper
