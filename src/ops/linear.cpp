#include "ops/linear.h"

#include "kernels/cpu/linear.h"
#include "ops/dispatch.h"

namespace maie::ops {
namespace {

cpu::GemmType cpu_type(ComputeType type) {
  switch (type) {
    case ComputeType::kFloat32: return cpu::GemmType::kF32;
    case ComputeType::kBFloat16: return cpu::GemmType::kBF16;
    case ComputeType::kInt8: return cpu::GemmType::kI8;
    default: check(false, "linear weights are packed as float32, bfloat16 or int8");
  }
  return cpu::GemmType::kF32;
}

void run(Stream& s, ConstTensor x, const LinearWeights& w, Tensor y, cpu::Epilogue epilogue) {
  check(x.dtype() == DType::kF32 && y.dtype() == DType::kF32, "linear works on float32 rows");
  check(x.dim(-1) == w.in() && y.dim(-1) == w.out(), "linear: width of x and y");
  check(leading(x) == leading(y), "linear: rows of x and y");
  if (s.is_dry_run()) return;
  switch (s.device().kind) {
    case Device::Kind::kCpu:
      cpu::linear(s.threads(), x.data<float>(), leading(x), w.cpu(), epilogue, y.data<float>());
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

}  // namespace

LinearWeights::LinearWeights() = default;
LinearWeights::LinearWeights(LinearWeights&&) noexcept = default;
LinearWeights& LinearWeights::operator=(LinearWeights&&) noexcept = default;
LinearWeights::~LinearWeights() = default;

LinearWeights LinearWeights::pack(Stream& s, ComputeType type, const LinearSource& source) {
  LinearWeights w;
  const auto [N, K] = source.values.dims<2>();
  w.in_ = K;
  w.out_ = N;
  if (s.is_dry_run()) return w;
  switch (s.device().kind) {
    case Device::Kind::kCpu:
      w.cpu_ = std::make_unique<cpu::PackedLinear>(cpu::PackedLinear::pack(
          s.threads(), cpu_type(type), source.values, source.scales, source.bias));
      return w;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

size_t LinearWeights::size_bytes() const { return cpu_ ? cpu_->size_bytes() : 0; }

void linear(Stream& s, ConstTensor x, const LinearWeights& w, Tensor y) {
  run(s, x, w, y, cpu::Epilogue::kWrite);
}
void linear_gelu(Stream& s, ConstTensor x, const LinearWeights& w, Tensor y) {
  run(s, x, w, y, cpu::Epilogue::kGelu);
}
void linear_relu(Stream& s, ConstTensor x, const LinearWeights& w, Tensor y) {
  run(s, x, w, y, cpu::Epilogue::kRelu);
}
void linear_add(Stream& s, ConstTensor x, const LinearWeights& w, Tensor y) {
  run(s, x, w, y, cpu::Epilogue::kAdd);
}

}  // namespace maie::ops
