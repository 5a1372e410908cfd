#include "ops/rms_norm.h"

#include "kernels/cpu/rows.h"
#include "ops/dispatch.h"
#include "ops/each_row.h"

namespace maie::ops {

void rms_norm(Stream& s, ConstTensor x, ConstTensor weight, Tensor y, float eps) {
  const int64_t C = x.dim(-1);
  check(x.shape() == y.shape(), "rms_norm: y like x");
  check(weight.size() == C, "rms_norm: a weight of the width");
  if (s.is_dry_run()) return;
  switch (s.device().kind) {
    case Device::Kind::kCpu:
      each_row(s, leading(x), C, [&](int64_t r) {
        cpu::rms_norm_row(x.data<float>() + r * C, weight.data<float>(), C, eps,
                          y.data<float>() + r * C);
      });
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

}  // namespace maie::ops
