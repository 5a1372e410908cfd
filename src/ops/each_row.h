#pragma once

#include <algorithm>

#include "tensor/device.h"

namespace maie::ops {

/// Calls body(row) for every row of an op that works on rows, by the stream's team where there is
/// enough to do: below some thousand values one thread is done before a team has met.
template <class Body>
void each_row(Stream& s, int64_t rows, int64_t width, const Body& body) {
  constexpr int64_t kAlone = 16384;  // values
  if (rows * width <= kAlone) {
    for (int64_t r = 0; r < rows; ++r) body(r);
    return;
  }
  constexpr int64_t kBlock = 32;
  s.threads().for_each((rows + kBlock - 1) / kBlock, [&](int64_t block, int) {
    for (int64_t r = block * kBlock; r < std::min(rows, (block + 1) * kBlock); ++r) body(r);
  });
}

}  // namespace maie::ops
