#pragma once

#include <cstdint>

#include "base/threads.h"

namespace maie::cpu {

/// y[b, t, c*kernel + k] = x[b, t*stride - pad + k, c], zero where that row does not exist.
/// @param x [B, T, C]; @param y [B, windows, C*kernel].
void unfold(ThreadPool& threads, const float* x, int64_t B, int64_t T, int64_t C, int64_t kernel,
            int64_t stride, int64_t pad, int64_t windows, float* y);

}  // namespace maie::cpu
