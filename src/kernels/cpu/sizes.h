#pragma once

#include <cstddef>
#include <cstdint>

namespace maie::cpu {

/// Bytes of a part of a buffer whose next part begins on a cache line.
constexpr size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace maie::cpu
