#include "models/qwen3/model.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/guarded.h"
#include "ops/compute_types.h"
#include "ops/embed.h"
#include "ops/rms_norm.h"
#include "ops/rotary.h"
#include "ops/swiglu.h"

namespace maie::qwen3 {
namespace {

OwnedTensor float_copy(ConstTensor from) {
  OwnedTensor copy({}, DType::kF32, from.shape());
  const auto out = copy.view().span<float>();
  for (size_t i = 0; i < out.size(); ++i) {
    // Byte by byte: a view into a file is as aligned as the file has it.
    const std::byte* element =
        static_cast<const std::byte*>(from.raw()) + i * size_of(from.dtype());
    switch (from.dtype()) {
      case DType::kF32: std::memcpy(&out[i], element, sizeof(float)); break;
      case DType::kF16: {
        Half value;
        std::memcpy(&value, element, sizeof value);
        out[i] = float(value);
        break;
      }
      default: {
        BFloat16 value;
        std::memcpy(&value, element, sizeof value);
        out[i] = float(value);
        break;
      }
    }
  }
  return copy;
}

// Weights [N, C] one below the other: one product makes all their outputs. Alignment comes with the
// copy.
ops::LinearWeights pack(Stream& s, ComputeType type, std::initializer_list<ConstTensor> parts) {
  int64_t rows = 0;
  DType stored = parts.begin()->dtype();
  for (const ConstTensor part : parts) {
    rows += part.dim(0);
    if (part.dtype() != stored) stored = DType::kF32;
  }
  const OwnedTensor all({}, stored, {rows, parts.begin()->dim(1)});
  auto* to = static_cast<std::byte*>(all.view().raw());
  for (const ConstTensor part : parts) {
    if (part.dtype() == stored) {
      std::memcpy(to, part.raw(), part.size_bytes());
    } else {
      std::memcpy(to, float_copy(part).view().raw(), size_t(part.size()) * sizeof(float));
    }
    to += size_t(part.size()) * size_of(stored);
  }
  return ops::LinearWeights::pack(s, type, {.values = all.view(), .scales = {}, .bias = {}});
}

}  // namespace

Block::Block(Stream& s, const Weights& weights, int index, ComputeType type)
    : config_(weights.config()),
      attention_type_(type == ComputeType::kInt8 ? ops::fast_float(s.device()) : type) {
  const std::string layer = "layers." + std::to_string(index) + ".";
  const auto get = [&](const char* name) { return weights.get(layer + name); };
  attention_norm_ = float_copy(get("input_layernorm.weight"));
  if (config_.head_norms) {
    query_norm_ = float_copy(get("self_attn.q_norm.weight"));
    key_norm_ = float_copy(get("self_attn.k_norm.weight"));
  }
  qkv_ = pack(s, type,
              {get("self_attn.q_proj.weight"), get("self_attn.k_proj.weight"),
               get("self_attn.v_proj.weight")});
  attention_out_ = pack(s, type, {get("self_attn.o_proj.weight")});
  mlp_norm_ = float_copy(get("post_attention_layernorm.weight"));
  gate_up_ = pack(s, type, {get("mlp.gate_proj.weight"), get("mlp.up_proj.weight")});
  down_ = pack(s, type, {get("mlp.down_proj.weight")});
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
    ops::rms_norm(s, x, attention_norm_.view(), h, c.eps);
    ops::linear(s, h, qkv_, qkv);
    ops::RotaryOptions rotary{c.heads, c.kv_heads, {}, {}, c.eps};
    if (c.head_norms) {
      rotary.query_norm = query_norm_.view();
      rotary.key_norm = key_norm_.view();
    }
    ops::rotary(s, positions, frequencies, rotary, qkv);
    ops::paged_attention(s, qkv, sequences, {c.heads, attention_type_}, pages, scratch, y);
    ops::linear_add(s, y, attention_out_, x);
  }
  const Arena::Scope scope(scratch);
  const Tensor h = scratch.tensor(DType::kF32, {R, c.width});
  const Tensor gate_up = scratch.tensor(DType::kF32, {R, 2 * c.mlp_width});
  const Tensor inner = scratch.tensor(DType::kF32, {R, c.mlp_width});
  ops::rms_norm(s, x, mlp_norm_.view(), h, c.eps);
  ops::linear(s, h, gate_up_, gate_up);
  ops::swiglu(s, gate_up, inner);
  ops::linear_add(s, inner, down_, x);
}

size_t Block::size_bytes() const {
  return qkv_.size_bytes() + attention_out_.size_bytes() + gate_up_.size_bytes() +
         down_.size_bytes();
}

Model::Model(Stream& s, std::shared_ptr<const Weights> weights, const ModelOptions& options)
    : stream_(s),
      weights_(std::move(weights)),
      options_(options),
      compute_type_(ops::resolve(s.device(), options.compute_type)) {}

Result<std::unique_ptr<Model>> Model::load(Stream& s, std::shared_ptr<const Weights> weights,
                                           const ModelOptions& options) {
  if (options.pages < 1 || options.max_rows < 1) {
    return invalid_input("language model: at least one page and one row");
  }
  return guarded([&]() -> Result<std::unique_ptr<Model>> {
    std::unique_ptr<Model> model(new Model(s, std::move(weights), options));
    const Config& c = model->config();
    const std::vector<float> frequencies = c.rope_frequencies();
    model->frequencies_ = OwnedTensor(s.device(), DType::kF32, {int64_t(frequencies.size())});
    std::copy(frequencies.begin(), frequencies.end(),
              model->frequencies_.view().span<float>().begin());
    model->embedding_ = model->weights_->get("embed_tokens.weight");
    if (reinterpret_cast<uintptr_t>(model->embedding_.raw()) % size_of(model->embedding_.dtype())) {
      model->embedding_copy_ =
          OwnedTensor({}, model->embedding_.dtype(), model->embedding_.shape());
      std::memcpy(model->embedding_copy_.view().raw(), model->embedding_.raw(),
                  model->embedding_.size_bytes());
      model->embedding_ = model->embedding_copy_.view();
    }
    model->blocks_.reserve(size_t(c.layers));
    for (int i = 0; i < c.layers; ++i) {
      model->blocks_.emplace_back(s, *model->weights_, i, model->compute_type_);
      model->weight_bytes_ += model->blocks_.back().size_bytes();
      model->cache_.emplace_back(s.device(), options.cache_type, options.pages, c.kv_heads,
                                 c.head_width);
    }
    model->last_norm_ = float_copy(model->weights_->get("norm.weight"));
    model->output_ =
        pack(s, model->compute_type_,
             {model->weights_->get(c.tied_embeddings ? "embed_tokens.weight" : "lm_head.weight")});
    model->weight_bytes_ += model->output_.size_bytes();
    model->size_arena();
    return model;
  });
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
  run(dry, tokens, std::span(&sequence, 1), wanted, measuring,
      Tensor(nullptr, DType::kF32, {rows, config().vocabulary}));
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
  return guarded([&] {
    check(int64_t(tokens.size()) <= options_.max_rows, "a pass of at most max_rows tokens");
    check(std::is_sorted(wanted.begin(), wanted.end()) &&
              (wanted.empty() || (wanted.front() >= 0 && size_t(wanted.back()) < tokens.size())),
          "wanted rows are rows of the pass, in order");
    if (!tokens.empty()) run(stream_, tokens, sequences, wanted, *arena_, logits);
  });
}

void Model::run(Stream& s, std::span<const int> tokens,
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
  ops::embed(s, tokens, {embedding_, {}}, x);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].forward(s, positions, sequences, frequencies_.view(), cache_[i], arena, x);
  }
  if (wanted.empty()) return;
  const Tensor last = arena.tensor(DType::kF32, {int64_t(wanted.size()), c.width});
  for (size_t i = 0; i < wanted.size(); ++i) {
    ops::rms_norm(s, x.rows(wanted[i], 1), last_norm_.view(), last.rows(int64_t(i), 1), c.eps);
  }
  ops::linear(s, last, output_, logits);
}

}  // namespace maie::qwen3
