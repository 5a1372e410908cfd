#include "models/qwen3/model.h"

#include <algorithm>
#include <string>

#include "base/guarded.h"
#include "ops/compute_types.h"
#include "ops/embed.h"
#include "ops/rms_norm.h"
#include "ops/rotary.h"
#include "ops/swiglu.h"

namespace maie::qwen3 {
namespace {

// Attention has no weights to be small: it runs in floats where the layers are quantised.
ComputeType attention_type(Device device, ComputeType wanted) {
  const ComputeType type = ops::resolve(device, wanted);
  const bool quantised = type == ComputeType::kInt8 || type == ComputeType::kInt4;
  return quantised ? ops::fast_float(device) : type;
}

}  // namespace

Block::Block(Stream& s, Packer& packer, int index)
    : config_(packer.weights().config()),
      attention_type_(attention_type(s.device(), packer.wanted())) {
  const std::string layer = "layers." + std::to_string(index) + ".";
  const std::string attention = layer + "self_attn.", mlp = layer + "mlp.";
  attention_norm_ = packer.weights().norm(layer + "input_layernorm.weight");
  if (config_.head_norms) {
    query_norm_ = packer.weights().norm(attention + "q_norm.weight");
    key_norm_ = packer.weights().norm(attention + "k_norm.weight");
  }
  qkv_ = packer.linear(
      {attention + "q_proj.weight", attention + "k_proj.weight", attention + "v_proj.weight"});
  attention_out_ = packer.linear({attention + "o_proj.weight"});
  mlp_norm_ = packer.weights().norm(layer + "post_attention_layernorm.weight");
  gate_up_ = packer.linear({mlp + "gate_proj.weight", mlp + "up_proj.weight"});
  down_ = packer.linear({mlp + "down_proj.weight"});
}

void Block::forward(Stream& s, std::span<const int32_t> positions,
                    std::span<const ops::SequenceRows> sequences, ConstTensor frequencies,
                    const ops::KvPages& pages, Arena& scratch, Tensor x) const {
  const Config& c = config_;
  const int64_t R = x.dim(0);
  {
    const Arena::Scope scope(scratch);
    const Tensor h = scratch.tensor(DType::kF32, {R, c.width});
    const Tensor qkv = scratch.tensor(DType::kF32, {R, c.qkv_width()});
    const Tensor y = scratch.tensor(DType::kF32, {R, c.heads * c.head_width});
    ops::rms_norm(s, x, attention_norm_, h, c.eps);
    ops::linear(s, h, qkv_, qkv);
    ops::RotaryOptions rotary{c.heads, c.kv_heads, {}, {}, c.eps};
    if (c.head_norms) {
      rotary.query_norm = query_norm_;
      rotary.key_norm = key_norm_;
    }
    ops::rotary(s, positions, frequencies, rotary, qkv);
    ops::paged_attention(s, qkv, sequences, {c.heads, attention_type_}, pages, scratch, y);
    ops::linear_add(s, y, attention_out_, x);
  }
  const Arena::Scope scope(scratch);
  const Tensor h = scratch.tensor(DType::kF32, {R, c.width});
  const Tensor gate_up = scratch.tensor(DType::kF32, {R, 2 * c.mlp_width});
  const Tensor inner = scratch.tensor(DType::kF32, {R, c.mlp_width});
  ops::rms_norm(s, x, mlp_norm_, h, c.eps);
  ops::linear(s, h, gate_up_, gate_up);
  ops::swiglu(s, gate_up, inner);
  ops::linear_add(s, inner, down_, x);
}

Model::Model(Stream& s, std::shared_ptr<const Weights> weights, const ModelOptions& options)
    : stream_(s),
      weights_(std::move(weights)),
      options_(options),
      embedding_(weights_->matrix("embed_tokens.weight")) {}

Result<std::unique_ptr<Model>> Model::load(Stream& s, std::shared_ptr<const Weights> weights,
                                           const ModelOptions& options) {
  if (options.pages < 1 || options.max_rows < 1) {
    return invalid_input("language model: at least one page and one row");
  }
  return guarded([&]() -> Result<std::unique_ptr<Model>> {
    std::unique_ptr<Model> model(new Model(s, std::move(weights), options));
    MAIE_TRY(model->pack());
    model->size_arena();
    return model;
  });
}

Status Model::pack() {
  const Config& c = config();
  const std::vector<float> frequencies = c.rope_frequencies();
  frequencies_ = OwnedTensor(stream_.device(), DType::kF32, {int64_t(frequencies.size())});
  std::copy(frequencies.begin(), frequencies.end(), frequencies_.view().span<float>().begin());
  Packer packer(stream_, *weights_, options_.compute_type);
  blocks_.reserve(size_t(c.layers));
  for (int i = 0; i < c.layers; ++i) {
    blocks_.emplace_back(stream_, packer, i);
    MAIE_TRY(packer.status());
    cache_.emplace_back(stream_.device(), options_.cache_type, options_.pages, c.kv_heads,
                        c.head_width);
  }
  last_norm_ = weights_->norm("norm.weight");
  output_ = packer.linear({c.tied_embeddings ? "embed_tokens.weight" : "lm_head.weight"});
  MAIE_TRY(packer.status());
  weight_bytes_ = packer.packed_bytes();
  compute_type_ = packer.type();
  return {};
}

// A dry run of the widest pass, behind the longest past, tells how large the arena must be.
void Model::size_arena() {
  Stream dry = Stream::dry_run(stream_.device());
  Arena measuring = Arena::measuring(stream_.device());
  const int rows = int(std::min<int64_t>(options_.max_rows, options_.pages * ops::kKvPage));
  std::vector<int32_t> all(static_cast<size_t>(options_.pages));
  const ops::SequenceRows sequence{all, options_.pages * ops::kKvPage - rows, rows};
  const std::vector<int> tokens(static_cast<size_t>(rows));
  std::vector<int> wanted(tokens.size());
  for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = int(i);
  const Status ran = run(dry, tokens, std::span(&sequence, 1), wanted, measuring,
                         Tensor(nullptr, DType::kF32, {rows, config().vocabulary}));
  check(ran.ok(), "a dry run reads nothing that could be wrong");
  arena_ = std::make_unique<Arena>(stream_.device(), measuring.peak_bytes());
}

void Model::read_page(int64_t page, std::span<std::byte> out) const {
  check(out.size() == page_bytes(), "the bytes of a page");
  const size_t layer = cache_.front().page_bytes();
  for (size_t i = 0; i < cache_.size(); ++i) cache_[i].read(page, out.subspan(i * layer, layer));
}

void Model::write_page(int64_t page, std::span<const std::byte> bytes) {
  check(bytes.size() == page_bytes(), "the bytes of a page");
  const size_t layer = cache_.front().page_bytes();
  for (size_t i = 0; i < cache_.size(); ++i) cache_[i].write(page, bytes.subspan(i * layer, layer));
}

Status Model::forward(std::span<const int> tokens, std::span<const ops::SequenceRows> sequences,
                      std::span<const int> wanted, Tensor logits) {
  return guarded([&]() -> Status {
    check(int64_t(tokens.size()) <= options_.max_rows, "a pass of at most max_rows tokens");
    check(std::is_sorted(wanted.begin(), wanted.end()) &&
              (wanted.empty() || (wanted.front() >= 0 && size_t(wanted.back()) < tokens.size())),
          "wanted rows are rows of the pass, in order");
    if (tokens.empty()) return {};
    return run(stream_, tokens, sequences, wanted, *arena_, logits);
  });
}

Status Model::run(Stream& s, std::span<const int> tokens,
                  std::span<const ops::SequenceRows> sequences, std::span<const int> wanted,
                  Arena& arena, Tensor logits) const {
  const Config& c = config();
  const int64_t R = int64_t(tokens.size());
  check(logits.shape() == Shape({int64_t(wanted.size()), c.vocabulary}), "logits: shape");
  std::vector<int32_t> positions;
  positions.reserve(tokens.size());
  for (const ops::SequenceRows& sequence : sequences) {
    for (int64_t i = 0; i < sequence.rows; ++i) positions.push_back(int32_t(sequence.past + i));
  }
  const Arena::Scope scope(arena);
  const Tensor x = arena.tensor(DType::kF32, {R, c.width});
  Status read;
  ops::embed(s, tokens,
             {c.vocabulary, c.width,
              [&](int id, std::span<float> row) {
                if (read.ok()) read = embedding_.read_floats(id, 1, row);
              }},
             x);
  MAIE_TRY(read);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].forward(s, positions, sequences, frequencies_.view(), cache_[i], arena, x);
  }
  if (wanted.empty()) return {};
  const Tensor last = arena.tensor(DType::kF32, {int64_t(wanted.size()), c.width});
  for (size_t i = 0; i < wanted.size(); ++i) {
    ops::rms_norm(s, x.rows(wanted[i], 1), last_norm_, last.rows(int64_t(i), 1), c.eps);
  }
  ops::linear(s, last, output_, logits);
  return {};
}

}  // namespace maie::qwen3
