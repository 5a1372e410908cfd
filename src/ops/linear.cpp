#include "ops/linear.h"

#include "kernels/cpu/linear.h"
#include "kernels/cpu/linear_w4.h"
#include "ops/dispatch.h"

namespace maie::ops {
namespace {

cpu::GemmType cpu_type(ComputeType type) {
  switch (type) {
    case ComputeType::kFloat32: return cpu::GemmType::kF32;
    case ComputeType::kBFloat16: return cpu::GemmType::kBF16;
    case ComputeType::kInt8: return cpu::GemmType::kI8;
    default: check(false, "linear weights are packed as float32, bfloat16, int8 or int4");
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
      for (const LinearWeights::Part& part : w.parts()) {
        float* out = y.data<float>() + part.first;
        if (part.w4) {
          cpu::linear(s.threads(), x.data<float>(), leading(x), *part.w4, epilogue, out, w.out());
        } else {
          cpu::linear(s.threads(), x.data<float>(), leading(x), *part.dense, epilogue, out,
                      w.out());
        }
      }
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

// The bits of a source whose codes stay or become 4 to 6 of them; 0 for all others.
int w4_bits(ComputeType type, const LinearSource& source) {
  const int bits = source.quantised                      ? source.quantised.bits
                   : source.values.dtype() == DType::kI8 ? 8
                                                         : 4;
  const bool stays =
      type == ComputeType::kInt4 || (type == ComputeType::kInt8 && source.quantised && bits != 4);
  return stays && bits != 8 ? bits : 0;
}

int64_t w4_group(const LinearSource& source) {
  return source.quantised ? source.quantised.group : 32;
}

// Whether two sources can lie in one packed matrix.
bool share_layout(ComputeType type, const LinearSource& a, const LinearSource& b) {
  const int bits = w4_bits(type, a);
  return bits == w4_bits(type, b) &&
         (bits == 0 || (w4_group(a) == w4_group(b) && bool(a.quantised) == bool(b.quantised)));
}

LinearWeights::Part pack_part(Stream& s, ComputeType type, std::span<const LinearSource> sources) {
  LinearWeights::Part part;
  if (w4_bits(type, sources.front()) != 0) {
    part.w4 = std::make_unique<cpu::PackedW4>(
        cpu::PackedW4::pack(s.threads(), w4_group(sources.front()), sources));
  } else {
    const ComputeType dense = type == ComputeType::kInt4 ? ComputeType::kInt8 : type;
    part.dense = std::make_unique<cpu::PackedLinear>(
        cpu::PackedLinear::pack(s.threads(), cpu_type(dense), sources));
  }
  return part;
}

}  // namespace

LinearWeights::LinearWeights() = default;
LinearWeights::LinearWeights(LinearWeights&&) noexcept = default;
LinearWeights& LinearWeights::operator=(LinearWeights&&) noexcept = default;
LinearWeights::~LinearWeights() = default;

LinearWeights LinearWeights::pack(Stream& s, ComputeType type,
                                  std::span<const LinearSource> sources) {
  check(!sources.empty(), "a linear layer has a source");
  LinearWeights w;
  w.in_ = sources.front().columns();
  for (const LinearSource& source : sources) {
    if (!source.quantised && !source.floats) (void)source.values.dims<2>();
    check(source.columns() == w.in_, "stacked sources have one width");
    w.out_ += source.rows();
  }
  if (s.is_dry_run()) return w;
  switch (s.device().kind) {
    case Device::Kind::kCpu:
      for (int64_t first = 0; !sources.empty();) {
        size_t count = 1;
        while (count < sources.size() && share_layout(type, sources.front(), sources[count])) {
          ++count;
        }
        Part part = pack_part(s, type, sources.first(count));
        part.first = first;
        first += part.w4 ? part.w4->out() : part.dense->out();
        w.parts_.push_back(std::move(part));
        sources = sources.subspan(count);
      }
      return w;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

size_t LinearWeights::size_bytes() const {
  size_t bytes = 0;
  for (const Part& part : parts_) {
    bytes += part.w4 ? part.w4->size_bytes() : part.dense->size_bytes();
  }
  return bytes;
}

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
