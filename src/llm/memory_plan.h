#pragma once

#include <cstddef>

#include "models/qwen3/config.h"
#include "tensor/dtype.h"

namespace maie::llm {

/// What a model will take while it is loaded, known before anything is read. Upper bounds.
struct MemoryPlan {
  size_t weights = 0;  ///< as packed; the mapped file comes back page by page and is not counted
  size_t cache = 0;    ///< keys and values of all pages
  size_t work = 0;     ///< activations and logits
  size_t total() const { return weights + cache + work; }
};

/// @param type  as resolved for the device. @param rows  of a pass. @param wanted  rows of logits.
MemoryPlan plan_memory(const qwen3::Config& config, ComputeType type, DType cache_type,
                       int64_t pages, int rows, int64_t wanted);

}  // namespace maie::llm
