#pragma once

#include "tensor/tensor.h"

namespace maie::ops {

/// The answer of a build without a backend. Ops end their switch over the device with it.
[[noreturn]] inline void no_backend(Device device) {
  throw DeviceError("this build has no kernels for " + to_string(device));
}

/// All dimensions but the last, multiplied: the rows an op works on.
inline int64_t leading(ConstTensor x) {
  return x.rank() == 0 || x.dim(-1) == 0 ? 0 : x.size() / x.dim(-1);
}

}  // namespace maie::ops
