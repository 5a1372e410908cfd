#pragma once

#include "tensor/tensor.h"

namespace maie::reference {

/// Causal attention of one whole sequence; query head h reads key head h / (heads / kv_heads).
/// @param qkv [T, (heads + 2 kv_heads) D], rows q | k | v. @param y [T, heads D].
void grouped_attention(ConstTensor qkv, int heads, int kv_heads, Tensor y);

}  // namespace maie::reference
