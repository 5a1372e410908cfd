#include "models/whisper/encoder.h"

namespace maie::whisper {
namespace {

std::vector<std::string> with_suffix(std::vector<std::string> names, const char* suffix) {
  for (std::string& name : names) name += suffix;
  return names;
}

OwnedTensor float_copy(const Stored& tensor) {
  OwnedTensor copy({}, DType::kF32, tensor.values.shape());
  to_float32(tensor, copy.view().span<float>());
  return copy;
}

}  // namespace

Stored LayerReader::keep(Result<Stored> tensor) {
  if (tensor.has_value()) return std::move(*tensor);
  status_ = tensor.error();
  return {};
}

Stored LayerReader::stored(const std::string& name, const Shape& shape) {
  if (!status_.ok()) return {};
  return keep(weights_.load(name, shape));
}

OwnedTensor LayerReader::table(const std::string& name, int64_t rows, int64_t width) {
  const Stored tensor = stored(name, {rows, width});
  return status_.ok() ? float_copy(tensor) : OwnedTensor();
}

Norm LayerReader::norm(const std::string& name, int64_t width) {
  const Stored gamma = stored(name + ".weight", {width});
  const Stored beta = stored(name + ".bias", {width});
  if (!status_.ok()) return {};
  return {float_copy(gamma), float_copy(beta)};
}

ops::LinearWeights LayerReader::pack(ComputeType type, const Stored& weight, ConstTensor bias) {
  if (!status_.ok()) return {};
  ops::LinearWeights packed = ops::LinearWeights::pack(
      stream_, type, {.values = weight.values, .scales = weight.scales, .bias = bias});
  packed_bytes_ += packed.size_bytes();
  return packed;
}

ops::LinearWeights LayerReader::linear(ComputeType type, std::vector<std::string> names,
                                       int64_t out, int64_t in) {
  if (!status_.ok()) return {};
  const Stored weight = keep(weights_.load_fused(with_suffix(names, ".weight"), {out, in}));
  if (!status_.ok()) return {};
  const Stored bias = keep(weights_.load_fused(with_suffix(names, ".bias"), {out}));
  return pack(type, weight, bias.values);
}

ops::LinearWeights LayerReader::conv(ComputeType type, const std::string& name, int64_t out,
                                     int64_t in, int64_t kernel) {
  Stored weight = stored(name + ".weight", {out, in, kernel});
  const Stored bias = stored(name + ".bias", {out});
  if (!status_.ok()) return {};
  weight.values = weight.values.reshaped({out, in * kernel});
  return pack(type, weight, bias.values);
}

}  // namespace maie::whisper
