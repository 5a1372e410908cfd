#include "models/whisper/decoder.h"

#include <algorithm>

namespace maie::whisper {

size_t Window::size_bytes() const {
  size_t bytes = 0;
  for (const ops::CrossCache& layer : layers) bytes += layer.size_bytes();
  return bytes;
}

DecoderCache::DecoderCache(Device device, DType type, int layers, int64_t cells, int64_t C)
    : cells_(cells) {
  for (int layer = 0; layer < layers; ++layer) {
    layers_.emplace_back(device, type, Shape{cells, 2 * C});
  }
}

DecoderBlock::DecoderBlock(LayerReader& reader, const Config& config, const LayerTypes& types,
                           int index)
    : heads_(config.decoder_heads) {
  const std::string base = "decoder.layers." + std::to_string(index) + ".";
  const std::string self = base + "self_attn.";
  const std::string cross = base + "encoder_attn.";
  const int64_t C = config.width;
  self_norm_ = reader.norm(base + "self_attn_layer_norm", C);
  self_qkv_ =
      reader.linear(types.linear, {self + "q_proj", self + "k_proj", self + "v_proj"}, 3 * C, C);
  self_out_ = reader.linear(types.linear, {self + "out_proj"}, C, C);
  cross_norm_ = reader.norm(base + "encoder_attn_layer_norm", C);
  cross_q_ = reader.linear(types.linear, {cross + "q_proj"}, C, C);
  cross_kv_ = reader.linear(types.linear, {cross + "k_proj", cross + "v_proj"}, 2 * C, C);
  cross_out_ = reader.linear(types.linear, {cross + "out_proj"}, C, C);
  mlp_norm_ = reader.norm(base + "final_layer_norm", C);
  mlp_up_ = reader.linear(types.linear, {base + "fc1"}, config.decoder_ffn, C);
  mlp_down_ = reader.linear(types.linear, {base + "fc2"}, C, config.decoder_ffn);
}

void DecoderBlock::store_cross(Stream& s, ConstTensor states, Arena& scratch,
                               ops::CrossCache& cache) const {
  const Arena::Scope scope(scratch);
  const Tensor kv = scratch.tensor(DType::kF32, {states.dim(0), cross_kv_.out()});
  ops::linear(s, states, cross_kv_, kv);
  cache.store(s, kv);
}

void DecoderBlock::forward(Stream& s, Tensor x, std::span<const ops::RowHistory> histories,
                           Tensor self_cache, std::span<const ops::CrossCache* const> windows,
                           std::span<float* const> head_scores, Arena& scratch) const {
  const Arena::Scope scope(scratch);
  const auto [R, C] = x.dims<2>();
  const Tensor h = scratch.tensor(x.dtype(), {R, C});
  const Tensor mixed = scratch.tensor(x.dtype(), {R, C});
  const Tensor qkv = scratch.tensor(x.dtype(), {R, 3 * C});
  const Tensor up = scratch.tensor(x.dtype(), {R, mlp_up_.out()});

  // x += SelfAttention(Norm(x)) over the row's own past.
  ops::layer_norm(s, x, self_norm_.view(), h);
  ops::linear(s, h, self_qkv_, qkv);
  ops::cached_attention(s, qkv, heads_, histories, self_cache, mixed);
  ops::linear_add(s, mixed, self_out_, x);

  // x += CrossAttention(Norm(x)) over the window.
  const Tensor q = qkv.reshaped({3 * R, C}).rows(0, R);
  ops::layer_norm(s, x, cross_norm_.view(), h);
  ops::linear(s, h, cross_q_, q);
  ops::cross_attention(s, q, windows, head_scores, mixed);
  ops::linear_add(s, mixed, cross_out_, x);

  // x += Mlp(Norm(x))
  ops::layer_norm(s, x, mlp_norm_.view(), h);
  ops::linear_gelu(s, h, mlp_up_, up);
  ops::linear_add(s, up, mlp_down_, x);
}

size_t DecoderBlock::step_weight_bytes() const {
  return self_qkv_.size_bytes() + self_out_.size_bytes() + cross_q_.size_bytes() +
         cross_out_.size_bytes() + mlp_up_.size_bytes() + mlp_down_.size_bytes();
}

size_t Decoder::step_weight_bytes() const {
  size_t bytes = logits_.size_bytes();
  for (const DecoderBlock& block : blocks_) bytes += block.step_weight_bytes();
  return bytes;
}

Decoder::Decoder(LayerReader& reader, const Config& config, const LayerTypes& types)
    : heads_(config.decoder_heads), alignment_heads_(config.alignment_heads) {
  embeddings_ = reader.stored("decoder.embed_tokens.weight", {config.vocabulary, config.width});
  positions_ = reader.table("decoder.embed_positions.weight", config.text_context, config.width);
  blocks_.reserve(size_t(config.decoder_layers));
  for (int layer = 0; layer < config.decoder_layers; ++layer) {
    blocks_.emplace_back(reader, config, types, layer);
  }
  last_norm_ = reader.norm("decoder.layer_norm", config.width);
  // The published models tie the output layer to the embeddings; Weights knows.
  logits_ = reader.pack(types.linear,
                        reader.stored("proj_out.weight", {config.vocabulary, config.width}), {});
}

void Decoder::store_window(Stream& s, ConstTensor states, Arena& scratch, Window& window) const {
  check(window.layers.size() == blocks_.size(), "a window has a cache for each layer");
  for (size_t layer = 0; layer < blocks_.size(); ++layer) {
    blocks_[layer].store_cross(s, states, scratch, window.layers[layer]);
  }
}

void Decoder::forward(Stream& s, std::span<const DecoderRow> rows, const DecoderCache& cache,
                      std::span<const int> wanted, Arena& scratch, Tensor logits,
                      AlignmentScores* scores) const {
  const int64_t R = int64_t(rows.size());
  const int64_t C = positions_.view().dim(1);
  const Arena::Scope scope(scratch);
  const Tensor x = scratch.tensor(DType::kF32, {R, C});

  std::vector<int> tokens, positions;
  std::vector<ops::RowHistory> histories;
  for (const DecoderRow& row : rows) {
    tokens.push_back(row.token);
    positions.push_back(row.position);
    histories.push_back(row.history);
  }
  ops::embed(s, tokens, positions, {embeddings_.values, embeddings_.scales}, positions_.view(), x);

  if (scores != nullptr) {
    scores->values.resize(alignment_heads_.size() * size_t(R * scores->T));
  }
  std::vector<const ops::CrossCache*> windows(rows.size());
  for (size_t layer = 0; layer < blocks_.size(); ++layer) {
    for (size_t r = 0; r < rows.size(); ++r) {
      windows[r] = rows[r].window != nullptr ? &rows[r].window->layers[layer] : nullptr;
    }
    std::vector<float*> head_scores;
    if (scores != nullptr) {
      head_scores.resize(size_t(heads_), nullptr);
      for (size_t i = 0; i < alignment_heads_.size(); ++i) {
        if (size_t(alignment_heads_[i].layer) != layer) continue;
        head_scores[size_t(alignment_heads_[i].head)] =
            scores->values.data() + i * size_t(R * scores->T);
      }
    }
    blocks_[layer].forward(s, x, histories, cache.layer(int(layer)), windows, head_scores, scratch);
  }
  if (wanted.empty()) return;

  const int64_t W = int64_t(wanted.size());
  const Tensor last = scratch.tensor(DType::kF32, {W, C});
  for (int64_t i = 0; i < W; ++i) {
    check(wanted[size_t(i)] >= 0 && wanted[size_t(i)] < R, "wanted rows are rows of the pass");
    ops::layer_norm(s, x.rows(wanted[size_t(i)], 1), last_norm_.view(), last.rows(i, 1));
  }
  ops::linear(s, last, logits_, logits);
}

}  // namespace maie::whisper
