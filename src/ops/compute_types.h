#pragma once

#include <string>

#include "tensor/device.h"
#include "tensor/dtype.h"

namespace maie::ops {

/// The type a device computes in when asked for `wanted`: `auto` becomes the fastest good one (int8
/// on a CPU), names a device has no arithmetic for become the nearest it has (float16 on a CPU:
/// float32). Always one of float32, bfloat16, int8, int4.
ComputeType resolve(Device device, ComputeType wanted);

/// The fastest floating type for products beside 8-bit layers: bfloat16 where native, else float32.
ComputeType fast_float(Device device);

/// What the bits of a result depend on beside its inputs: instructions and libraries of the device,
/// in words. What was computed under other words may differ in its last bits.
std::string arithmetic(Device device);

}  // namespace maie::ops
