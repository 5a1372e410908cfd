#include "ops/compute_types.h"

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/isa.h"
#include "ops/dispatch.h"

namespace maie::ops {

ComputeType resolve(Device device, ComputeType wanted) {
  switch (device.kind) {
    case Device::Kind::kCpu:
      switch (wanted) {
        case ComputeType::kFloat32:
        case ComputeType::kFloat16: return ComputeType::kFloat32;
        case ComputeType::kBFloat16: return ComputeType::kBFloat16;
        case ComputeType::kAuto:
        case ComputeType::kInt8:
        case ComputeType::kInt8BFloat16:
        case ComputeType::kInt8Float16: return ComputeType::kInt8;
        case ComputeType::kInt4: return ComputeType::kInt4;
      }
      break;
    case Device::Kind::kCuda: break;
  }
  no_backend(device);
}

ComputeType fast_float(Device device) {
  switch (device.kind) {
    case Device::Kind::kCpu:
      return cpu::gemm_is_native(cpu::GemmType::kBF16) ? ComputeType::kBFloat16
                                                       : ComputeType::kFloat32;
    case Device::Kind::kCuda: break;
  }
  no_backend(device);
}

std::string arithmetic(Device device) {
  if (device.kind != Device::Kind::kCpu) no_backend(device);
  const cpu::Isa& isa = cpu::isa();
  std::string words = "cpu";
  if (isa.avx2) words += " avx2";
  if (isa.avx512) words += " avx512";
  if (isa.vnni) words += " vnni";
  if (isa.bf16) words += " bf16";
  for (const auto& [library, version] : cpu::library_versions()) {
    words += ", " + library + " " + version;
  }
  return words;
}

}  // namespace maie::ops
