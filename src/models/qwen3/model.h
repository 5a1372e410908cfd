#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "models/qwen3/packer.h"
#include "models/qwen3/weights.h"
#include "ops/linear.h"
#include "ops/paged_attention.h"

namespace maie::qwen3 {

struct ModelOptions {
  ComputeType compute_type =
      ComputeType::kAuto;           ///< of weights and products; `auto`: as stored, see Packer
  DType cache_type = DType::kBF16;  ///< of keys and values: float32, bfloat16 or int8
  int64_t pages = 64;  ///< of the cache, ops::kKvPage positions each, for all sequences
  int max_rows = 512;  ///< of one pass; a longer prompt comes in several
};

/// A decoder block (docs/models/qwen3.md): attention with grouped queries, gated MLP, norms before.
class Block {
 public:
  /// Packs the block's weights; when that fails the packer's status says so. The weights outlive
  /// the block.
  Block(Stream& s, Packer& packer, int index);

  /// @param x [R, C] residual stream, updated in place. @param positions one a row.
  void forward(Stream& s, std::span<const int32_t> positions,
               std::span<const ops::SequenceRows> sequences, ConstTensor frequencies,
               const ops::KvPages& pages, Arena& scratch, Tensor x) const;

 private:
  const Config& config_;
  ComputeType attention_type_;
  ConstTensor attention_norm_, query_norm_, key_norm_, mlp_norm_;  // of the weights
  ops::LinearWeights qkv_, attention_out_, gate_up_, down_;
};

/// Qwen3 and Llama ready to run: packed weights, a cache of pages, an arena. One thread at a time.
class Model {
 public:
  /// Packs `weights` for the stream's device. @param s outlives the model and serves all its calls.
  static Result<std::unique_ptr<Model>> load(Stream& s, std::shared_ptr<const Weights> weights,
                                             const ModelOptions& options);

  const Config& config() const { return weights_->config(); }
  /// Of most of the products: `auto` chooses for each matrix.
  ComputeType compute_type() const { return compute_type_; }
  /// Memory of the packed weights; rows of the embedding stay in the file.
  size_t weight_bytes() const { return weight_bytes_; }
  int64_t pages() const { return options_.pages; }
  int max_rows() const { return options_.max_rows; }

  /// Reads tokens into the cache and gives the logits of some of them. Rows of at most
  /// ops::kExactRows tokens have the bits they have alone, whatever else is in the pass.
  /// @param tokens     of all sequences, one after the other, at most max_rows.
  /// @param sequences  how many of them each has, how many it had before, and its pages.
  /// @param wanted     rows in ascending order whose logits are needed.
  /// @param logits     [wanted.size(), V] float32.
  Status forward(std::span<const int> tokens, std::span<const ops::SequenceRows> sequences,
                 std::span<const int> wanted, Tensor logits);

  /// The cache's bytes of one page, all layers: to keep elsewhere and to bring back.
  size_t page_bytes() const { return cache_.size() * cache_.front().page_bytes(); }
  void read_page(int64_t page, std::span<std::byte> out) const;
  void write_page(int64_t page, std::span<const std::byte> bytes);
  size_t cache_bytes() const { return page_bytes() * size_t(pages()); }
  size_t arena_bytes() const { return arena_->capacity_bytes(); }

 private:
  Model(Stream& s, std::shared_ptr<const Weights> weights, const ModelOptions& options);
  Status run(Stream& s, std::span<const int> tokens, std::span<const ops::SequenceRows> sequences,
             std::span<const int> wanted, Arena& arena, Tensor logits) const;
  Status pack();
  void size_arena();

  Stream& stream_;
  std::shared_ptr<const Weights> weights_;
  ModelOptions options_;
  ComputeType compute_type_ = ComputeType::kAuto;
  OwnedTensor frequencies_;
  const formats::StoredMatrix& embedding_;  // rows are read from the file
  std::vector<Block> blocks_;
  ConstTensor last_norm_;  // of the weights
  ops::LinearWeights output_;
  std::vector<ops::KvPages> cache_;  // one a layer
  std::unique_ptr<Arena> arena_;
  size_t weight_bytes_ = 0;
};

}  // namespace maie::qwen3
