#pragma once

#include <cstddef>

#include "models/qwen3/weights.h"
#include "tensor/dtype.h"

namespace maie::llm {

/// What a model will take while it is loaded, known before any weight is read. Upper bounds.
struct MemoryPlan {
  size_t weights = 0;  ///< as packed; the mapped file comes back page by page and is not counted
  size_t cache = 0;    ///< keys and values of all pages
  size_t work = 0;     ///< activations and logits
  size_t total() const { return weights + cache + work; }
};

/// @param wanted  compute type as asked for. @param rows  of a pass. @param logits  rows of them.
MemoryPlan plan_memory(const qwen3::Weights& weights, ComputeType wanted, DType cache_type,
                       int64_t pages, int rows, int64_t logits);

}  // namespace maie::llm
