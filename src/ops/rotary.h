#pragma once

#include <span>

#include "tensor/tensor.h"

namespace maie::ops {

/// How the rows q | k | v of attention are made ready.
struct RotaryOptions {
  int heads = 1;           ///< of queries
  int kv_heads = 1;        ///< of keys, and of values
  ConstTensor query_norm;  ///< [D] float32: RMS norm of every query head before it turns (Qwen3);
  ConstTensor key_norm;    ///< absent: none (Llama)
  float eps = 1e-6f;       ///< of these norms
};

/// Rotary position embedding (arXiv:2104.09864) in its form by halves: in every query and key head
/// the pair (i, i + D/2) turns by position * frequency[i]. In place; values stay as they are.
/// @param positions    one a row.
/// @param frequencies  [D/2] float32, radians per position: theta^(-2i/D), scaled as the model
/// says.
/// @param qkv          [R, (heads + 2 kv_heads) D] float32.
void rotary(Stream& s, std::span<const int32_t> positions, ConstTensor frequencies,
            const RotaryOptions& options, Tensor qkv);

}  // namespace maie::ops
