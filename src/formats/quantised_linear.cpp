// AWQ and GPTQ store [in, out] and are transposed here; whatever the file's order of nibbles, codes
// come out in the order of QuantisedMatrix. GPTQ's words along the input and pack-quantized's rows
// have that order already, so that they are moved as whole words.
#include "formats/quantised_linear.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "formats/byte_reader.h"
#include "formats/packed_words.h"

namespace maie::formats {
namespace {

using Method = QuantisationConfig::Method;

// Column 8c + j of AWQ is this nibble of word c.
constexpr std::array<int, 8> kAwqNibble = {0, 4, 1, 5, 2, 6, 3, 7};

// Element `index` of codes of `bits` bits, packed into words from the lowest bit on.
int packed(const ConstTensor& tensor, int64_t row, int64_t index, int bits) {
  const int64_t per_word = 32 / bits;
  const uint32_t w = word(tensor, row * tensor.dim(1) + index / per_word);
  return int(w >> (bits * (index % per_word)) & ((1u << bits) - 1));
}

float float_at(const ConstTensor& tensor, int64_t index) {
  const auto* at = static_cast<const std::byte*>(tensor.raw()) + index * size_of(tensor.dtype());
  if (tensor.dtype() == DType::kF32) {
    float value;
    std::memcpy(&value, at, 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, at, 2);
  if (tensor.dtype() == DType::kBF16) return std::bit_cast<float>(uint32_t{bits} << 16);
  Half half;
  half.bits = bits;
  return float(half);
}

}  // namespace

float QuantisedLinear::zero_at(int64_t row, int64_t g) const {
  const int bits = config_.bits;
  const int64_t per_word = 32 / bits;
  const int mask = (1 << bits) - 1;
  switch (config_.method) {
    case Method::kAwq: {
      const uint32_t w = word(zeros_, g * weight_.dim(1) + row / 8);
      return float(int(w >> (4 * kAwqNibble[size_t(row % 8)]) & 15));
    }
    case Method::kGptq: {
      const int stored = packed(zeros_, g, row, bits);
      return float(config_.zeros_less_one ? (stored + 1) & mask : stored);
    }
    case Method::kPackQuantized: break;
  }
  if (!zeros_) return float(1 << (bits - 1));
  if (zeros_.dtype() == DType::kI8) {
    return float(zeros_.data<int8_t>()[row * form_.groups() + g] + (1 << (bits - 1)));
  }
  const uint32_t w = word(zeros_, row / per_word * form_.groups() + g);
  return float(int(w >> (bits * (row % per_word))) & mask);
}

Status QuantisedLinear::read(int64_t first, int64_t count, const CodeRows& to) const {
  check(first >= 0 && count >= 0 && first + count <= form_.rows, "rows of the layer");
  const int64_t groups = form_.groups();
  const bool by_output = config_.method == Method::kPackQuantized;
  for (int64_t r = first; r < first + count; ++r) {
    for (int64_t g = 0; g < groups; ++g) {
      const auto at = (r - first) * groups + g;
      to.scales[at] = float_at(scales_, by_output ? r * groups + g : g * form_.rows + r);
      to.zeros[at] = zero_at(r, g);
      if (!std::isfinite(to.scales[at])) {
        return corrupt(scales_name_ + " has a scale that is no finite number, at output " +
                       std::to_string(r) + ", group " + std::to_string(g) +
                       "; fetch the file again");
      }
    }
  }
  switch (config_.method) {
    case Method::kAwq: read_awq(first, count, to); break;
    case Method::kGptq: read_gptq(first, count, to); break;
    case Method::kPackQuantized: read_pack_quantized(first, count, to); break;
  }
  return {};
}

void QuantisedLinear::read_awq(int64_t first, int64_t count, const CodeRows& to) const {
  const int64_t words = weight_.dim(1), row_bytes = form_.row_bytes(), end = first + count;
  // In tiles of inputs, so that a cache line of words serves all its outputs.
  constexpr int64_t kTile = 64;
  for (int64_t tile = 0; tile < form_.columns; tile += kTile) {
    const int64_t tile_end = std::min(tile + kTile, form_.columns);
    for (int64_t c = first / 8; 8 * c < end; ++c) {
      const int64_t from = std::max(first, 8 * c), until = std::min(end, 8 * c + 8);
      for (int64_t k = tile; k < tile_end; k += 2) {
        const uint32_t even = word(weight_, k * words + c);
        const uint32_t odd = word(weight_, (k + 1) * words + c);
        uint8_t* out = to.codes + (from - first) * row_bytes + k / 2;
        for (int64_t r = from; r < until; ++r, out += row_bytes) {
          const int shift = 4 * kAwqNibble[size_t(r - 8 * c)];
          *out = uint8_t((even >> shift & 15) | (odd >> shift & 15) << 4);
        }
      }
    }
  }
}

void QuantisedLinear::read_gptq(int64_t first, int64_t count, const CodeRows& to) const {
  constexpr int64_t kTile = 16;
  const int64_t words = weight_.dim(0), row_bytes = form_.row_bytes();
  for (int64_t tile = 0; tile < words; tile += kTile) {
    const int64_t end = std::min(tile + kTile, words);
    for (int64_t r = 0; r < count; ++r) {
      uint8_t* row = to.codes + r * row_bytes;
      for (int64_t k = tile; k < end; ++k) {
        const uint32_t w = word(weight_, k * form_.rows + first + r);
        std::memcpy(row + 4 * k, &w, 4);
      }
    }
  }
}

void QuantisedLinear::read_pack_quantized(int64_t first, int64_t count, const CodeRows& to) const {
  const auto* words = static_cast<const std::byte*>(weight_.raw());
  const int64_t row_bytes = form_.row_bytes();
  for (int64_t r = 0; r < count; ++r) {
    std::memcpy(to.codes + r * row_bytes, words + (first + r) * weight_.dim(1) * 4,
                size_t(row_bytes));
  }
}

bool has_quantised_linear(const Safetensors& file, const std::string& prefix, Method method) {
  const char* part = method == Method::kPackQuantized ? ".weight_packed" : ".qweight";
  return file.find(prefix + part) != nullptr;
}

Result<QuantisedMatrix> read_quantised_linear(const Safetensors& file, const std::string& prefix,
                                              const QuantisationConfig& config) {
  MAIE_ASSIGN(const QuantisedLinear layer, QuantisedLinear::open(file, prefix, config));
  // Only now is it known that the file holds as many: a hostile group size costs no memory.
  QuantisedMatrix out = with_room(layer.form(), layer.form().rows);
  MAIE_TRY(layer.read(0, out.rows, {out.codes.data(), out.scales.data(), out.zeros.data()}));
  return out;
}

}  // namespace maie::formats
