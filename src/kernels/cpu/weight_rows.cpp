#include "kernels/cpu/weight_rows.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/rows.h"

namespace maie::cpu {
namespace {

// Elements [first, first + count) of a float tensor as float, however it is aligned.
void to_float(ConstTensor t, int64_t first, int64_t count, float* out) {
  const size_t element = size_of(t.dtype());
  const std::byte* from = static_cast<const std::byte*>(t.raw()) + size_t(first) * element;
  if (t.dtype() == DType::kF32) {
    if (count > 0) std::memcpy(out, from, size_t(count) * element);
    return;
  }
  check(t.dtype() == DType::kF16 || t.dtype() == DType::kBF16,
        "linear weights are float32, float16, bfloat16 or int8");
  std::vector<uint16_t> copy;
  const auto* halves = reinterpret_cast<const uint16_t*>(from);
  if (reinterpret_cast<uintptr_t>(from) % element != 0) {
    copy.resize(size_t(count));
    std::memcpy(copy.data(), from, size_t(count) * element);
    halves = copy.data();
  }
  if (t.dtype() == DType::kF16) {
    widen_f16(halves, count, out);
  } else {
    widen_bf16(halves, count, out);
  }
}

void check_source(const LinearSource& source) {
  const QuantisedSource& q = source.quantised;
  check(int(bool(q)) + int(bool(source.floats)) + int(bool(source.values)) <= 1,
        "a linear source has values, codes or rows of floats");
  if (q) {
    check(q.rows >= 0 && q.columns >= 0, "rows of a quantised source");
    if (q.bits == 8) {
      check(q.group == q.columns, "8-bit codes have one scale a row");
    } else {
      check(q.bits >= 4 && q.bits <= 6, "codes have 4, 5, 6 or 8 bits");
      check(q.group == 32 || q.group == 64 || q.group == 128 || (q.group == 16 && q.bits == 6),
            "groups are 32, 64 or 128, or 16 codes of 6 bits");
      check(q.columns % q.group == 0, "rows of whole groups");
    }
  } else if (!source.floats) {
    (void)source.values.dims<2>();
    const bool int8 = source.values.dtype() == DType::kI8;
    check(!int8 || (source.scales && source.scales.size() == source.values.dim(0)),
          "int8 weights come with a scale per row");
  }
  check(!source.bias || source.bias.size() == source.rows(), "bias has one value per output");
}

void dequantize(const QuantisedSource& q, int64_t row, float* out) {
  const int64_t groups = q.columns / q.group;
  std::vector<uint8_t> codes(static_cast<size_t>(q.row_bytes()));
  std::vector<float> scales(static_cast<size_t>(groups)), offsets(scales.size());
  q.read(row, 1, {codes.data(), scales.data(), q.has_offsets() ? offsets.data() : nullptr});
  const int zero = q.symmetric ? q.middle() : 0;
  for (int64_t k = 0; k < q.columns; ++k) {
    const auto g = size_t(k / q.group);
    const int code = q.bits == 4 ? (codes[size_t(k / 2)] >> (4 * (k % 2))) & 15 : codes[size_t(k)];
    out[k] = float(code - zero) * scales[g] + offsets[g];
  }
}

}  // namespace

WeightRows::WeightRows(std::span<const LinearSource> sources) : sources_(sources) {
  check(!sources.empty(), "a linear layer has a source");
  starts_.push_back(0);
  columns_ = sources.front().columns();
  for (const LinearSource& source : sources) {
    check_source(source);
    check(source.columns() == columns_, "stacked sources have one width");
    starts_.push_back(starts_.back() + source.rows());
  }
}

WeightRows::Place WeightRows::find(int64_t row) const {
  const auto next = std::upper_bound(starts_.begin(), starts_.end(), row);
  const auto index = size_t(next - starts_.begin()) - 1;
  return {sources_[index], row - starts_[index]};
}

void WeightRows::floats(int64_t row, float* out) const {
  const auto [source, at] = find(row);
  const QuantisedSource& q = source.quantised;
  if (q && q.bits != 8) {
    dequantize(q, at, out);
  } else if (q) {
    std::vector<int8_t> values(static_cast<size_t>(columns_));
    const float factor = int8(row, values.data());
    for (int64_t k = 0; k < columns_; ++k) out[k] = float(values[size_t(k)]) * factor;
  } else if (source.floats) {
    source.floats.read(at, out);
  } else if (source.values.dtype() == DType::kI8) {
    const int8_t* values = source.values.data<int8_t>() + at * columns_;
    const float scale = source.scales.data<float>()[at];
    for (int64_t k = 0; k < columns_; ++k) out[k] = float(values[k]) / scale;
  } else {
    to_float(source.values, at * columns_, columns_, out);
  }
}

float WeightRows::int8(int64_t row, int8_t* out) const {
  const auto [source, at] = find(row);
  const QuantisedSource& q = source.quantised;
  if (q && q.bits == 8) {
    float factor = 0;
    q.read(at, 1, {reinterpret_cast<uint8_t*>(out), &factor, nullptr});
    return factor;
  }
  if (!q && source.values.dtype() == DType::kI8) {
    std::copy_n(source.values.data<int8_t>() + at * columns_, columns_, out);
    return 1.0f / source.scales.data<float>()[at];
  }
  std::vector<float> weights(static_cast<size_t>(columns_));
  floats(row, weights.data());
  return quantize_weights(weights.data(), columns_, out);
}

void WeightRows::codes(int64_t first, int64_t count, const QuantisedRows& out) const {
  QuantisedRows to = out;
  while (count > 0) {
    const auto [source, at] = find(first);
    const QuantisedSource& q = source.quantised;
    check(q && q.bits != 8, "a source of 4 to 6 bits");
    const int64_t rows = std::min(count, q.rows - at);
    const int64_t scales = rows * (columns_ / q.group);
    q.read(at, rows, {to.codes, to.scales, q.has_offsets() ? to.offsets : nullptr});
    if (to.offsets != nullptr) {
      const auto middle = float(q.middle());
      for (int64_t i = 0; q.symmetric && i < scales; ++i) to.offsets[i] = -middle * to.scales[i];
      to.offsets += scales;
    }
    to.codes += rows * q.row_bytes();
    to.scales += scales;
    first += rows;
    count -= rows;
  }
}

std::vector<float> WeightRows::bias() const {
  const auto has_bias = [](const LinearSource& source) { return bool(source.bias); };
  std::vector<float> bias;
  if (std::none_of(sources_.begin(), sources_.end(), has_bias)) return bias;
  bias.resize(size_t(rows()));
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i].bias) {
      to_float(sources_[i].bias, 0, sources_[i].rows(), bias.data() + starts_[i]);
    }
  }
  return bias;
}

}  // namespace maie::cpu
