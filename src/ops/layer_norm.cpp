#include "ops/layer_norm.h"

#include "kernels/cpu/rows.h"
#include "ops/dispatch.h"
#include "ops/each_row.h"

namespace maie::ops {
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
