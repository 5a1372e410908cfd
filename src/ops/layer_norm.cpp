#include "ops/layer_norm.h"

#include <algorithm>

#include "kernels/cpu/rows.h"
#include "ops/dispatch.h"

namespace maie::ops {
namespace {

// Below this many values a single thread is done before a team has met.
constexpr int64_t kAlone = 16384;

template <class Body>
void each_row(Stream& s, int64_t rows, int64_t width, const Body& body) {
  if (rows * width <= kAlone) {
    for (int64_t r = 0; r < rows; ++r) body(r);
    return;
  }
  constexpr int64_t kBlock = 32;
  s.threads().for_each((rows + kBlock - 1) / kBlock, [&](int64_t block, int) {
    for (int64_t r = block * kBlock; r < std::min(rows, (block + 1) * kBlock); ++r) body(r);
  });
}

}  // namespace

void layer_norm(Stream& s, ConstTensor x, const NormWeights& w, Tensor y, float eps) {
  const int64_t C = x.dim(-1);
  check(x.shape() == y.shape(), "layer_norm: y like x");
  check(w.gamma.size() == C && w.beta.size() == C, "layer_norm: weights of the width");
  if (s.is_dry_run()) return;
  switch (s.device().kind) {
    case Device::Kind::kCpu: {
      const float* in = x.data<float>();
      float* out = y.data<float>();
      each_row(s, leading(x), C, [&](int64_t r) {
        cpu::layer_norm_row(in + r * C, w.gamma.data<float>(), w.beta.data<float>(), C, eps,
                            out + r * C);
      });
      return;
    }
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

void add_rows(Stream& s, ConstTensor x, Tensor y) {
  const auto [T, C] = x.dims<2>();
  check(y.rank() == 3 && y.dim(1) == T && y.dim(2) == C, "add_rows: y [B, T, C]");
  if (s.is_dry_run()) return;
  switch (s.device().kind) {
    case Device::Kind::kCpu: {
      const int64_t rows = T;
      each_row(s, leading(y), C, [&, C = C](int64_t r) {
        cpu::add_row(x.data<float>() + r % rows * C, C, y.data<float>() + r * C);
      });
      return;
    }
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

}  // namespace maie::ops
