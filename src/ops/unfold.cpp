#include "ops/unfold.h"

#include "kernels/cpu/unfold.h"
#include "ops/dispatch.h"

namespace maie::ops {

void unfold(Stream& s, ConstTensor x, const UnfoldOptions& options, Tensor y) {
  const auto [B, T, C] = x.dims<3>();
  const int64_t span = T + options.pad_left + options.pad_right - options.kernel;
  check(options.kernel > 0 && options.stride > 0 && span >= 0, "unfold: at least one window");
  check(y.shape() == Shape({B, span / options.stride + 1, C * options.kernel}),
        "unfold: shape of y");
  if (s.is_dry_run()) return;
  switch (s.device().kind) {
    case Device::Kind::kCpu:
      cpu::unfold(s.threads(), x.data<float>(), B, T, C, options.kernel, options.stride,
                  options.pad_left, y.dim(1), y.data<float>());
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

}  // namespace maie::ops
