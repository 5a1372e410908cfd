#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "ops/paged_attention.h"
#include "tensor/tensor.h"

namespace maie::llm {

/// What the engine asks of a network: logits for rows of many sequences over a cache of pages.
/// qwen3::Model behind `QwenNetwork`; tests have one that remembers what it was told. One thread at
/// a time.
class Network {
 public:
  virtual ~Network() = default;

  virtual int64_t vocabulary() const = 0;  ///< V, of the logits
  virtual int64_t pages() const = 0;       ///< of ops::kKvPage tokens
  virtual int max_rows() const = 0;        ///< of one pass

  /// As qwen3::Model::forward. A sequence may have several entries, its rows in order: each entry
  /// then has the bits it has in a pass of its own.
  virtual Status forward(std::span<const int> tokens, std::span<const ops::SequenceRows> sequences,
                         std::span<const int> wanted, Tensor logits) = 0;

  virtual size_t page_bytes() const = 0;  ///< of one page, over all layers
  virtual void read_page(int32_t page, std::span<std::byte> out) const = 0;
  virtual void write_page(int32_t page, std::span<const std::byte> bytes) = 0;
};

}  // namespace maie::llm
