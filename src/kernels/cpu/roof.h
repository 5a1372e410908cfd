#pragma once

#include "base/threads.h"
#include "kernels/cpu/gemm.h"

// What this machine can do at best, measured: the yardstick of `maie bench`.

namespace maie::cpu {

/// Bytes per second that the team reads from memory (a block far larger than the caches, best of
/// several passes).
double measure_read_bandwidth(ThreadPool& threads);

/// Operations per second (a multiplication and an addition are two) of products whose matrices stay
/// in each member's cache, best of several passes.
double measure_gemm_rate(ThreadPool& threads, GemmType type);

}  // namespace maie::cpu
