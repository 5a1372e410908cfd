#include "ops/swiglu.h"

#include "kernels/cpu/rows.h"
#include "ops/dispatch.h"
#include "ops/each_row.h"

namespace maie::ops {

void swiglu(Stream& s, ConstTensor gate_up, Tensor y) {
  const auto [R, F] = y.dims<2>();
  check(gate_up.shape() == Shape({R, 2 * F}), "swiglu: gate | up, twice as wide as y");
  if (s.is_dry_run()) return;
  switch (s.device().kind) {
    case Device::Kind::kCpu:
      each_row(s, R, F, [&, F = F](int64_t r) {
        const float* gate = gate_up.data<float>() + r * 2 * F;
        cpu::swiglu_row(gate, gate + F, F, y.data<float>() + r * F);
      });
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

}  // namespace maie::ops
