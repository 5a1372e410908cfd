// AWQ and GPTQ store [in, out] and are transposed here; whatever the file's order of nibbles, codes
// come out in the order of QuantisedMatrix. GPTQ's words along the input and pack-quantized's rows
// have that order already, so that they are moved as whole words.
#include "formats/quantised_linear.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "formats/byte_reader.h"

namespace maie::formats {
namespace {

using Method = QuantisationConfig::Method;

// Column 8c + j of AWQ is this nibble of word c.
constexpr std::array<int, 8> kAwqNibble = {0, 4, 1, 5, 2, 6, 3, 7};

uint32_t word(const ConstTensor& tensor, int64_t index) {
  uint32_t value;
  std::memcpy(&value, static_cast<const std::byte*>(tensor.raw()) + index * 4, 4);
  return value;
}

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

// The tensors of one layer, and the sentences about them.
class LayerReader {
 public:
  LayerReader(const Safetensors& file, const std::string& prefix, const QuantisationConfig& config)
      : file_(file), prefix_(prefix), config_(config) {}

  Result<QuantisedMatrix> awq() {
    MAIE_ASSIGN(const ConstTensor weight, matrix("qweight", DType::kI32));
    MAIE_TRY(begin(weight.dim(1), 8, weight.dim(0), 1));
    if (out_.columns % 2 != 0) return unsupported(name("qweight") + " has an odd number of inputs");
    MAIE_ASSIGN(const ConstTensor zeros,
                sized("qzeros", DType::kI32, {out_.groups(), weight.dim(1)}));
    MAIE_TRY(read_scales("scales", Order::kByInput));
    for (int64_t g = 0; g < out_.groups(); ++g) {
      for (int64_t r = 0; r < out_.rows; ++r) {
        const uint32_t w = word(zeros, g * weight.dim(1) + r / 8);
        set_zero(r, g, int(w >> (4 * kAwqNibble[size_t(r % 8)]) & 15));
      }
    }
    // In tiles of inputs, so that a cache line of words serves all its outputs.
    constexpr int64_t kTile = 64;
    for (int64_t tile = 0; tile < out_.columns; tile += kTile) {
      const int64_t end = std::min(tile + kTile, out_.columns);
      for (int64_t c = 0; c < weight.dim(1); ++c) {
        for (int64_t k = tile; k < end; k += 2) {
          const uint32_t even = word(weight, k * weight.dim(1) + c);
          const uint32_t odd = word(weight, (k + 1) * weight.dim(1) + c);
          uint8_t* to = out_.codes.data() + 8 * c * out_.row_bytes() + k / 2;
          for (const int nibble : kAwqNibble) {
            *to = uint8_t((even >> (4 * nibble) & 15) | (odd >> (4 * nibble) & 15) << 4);
            to += out_.row_bytes();
          }
        }
      }
    }
    return std::move(out_);
  }

  Result<QuantisedMatrix> gptq() {
    const int64_t per_word = 32 / config_.bits;
    MAIE_ASSIGN(const ConstTensor weight, matrix("qweight", DType::kI32));
    MAIE_TRY(begin(weight.dim(1), 1, weight.dim(0), per_word));
    if (out_.rows % per_word != 0) {
      return unsupported(name("qweight") + " has " + std::to_string(out_.rows) +
                         " outputs, which is no multiple of " + std::to_string(per_word));
    }
    MAIE_ASSIGN(const ConstTensor zeros,
                sized("qzeros", DType::kI32, {out_.groups(), out_.rows / per_word}));
    MAIE_TRY(read_scales("scales", Order::kByInput));
    MAIE_TRY(check_order("g_idx"));
    const int mask = (1 << config_.bits) - 1;
    for (int64_t g = 0; g < out_.groups(); ++g) {
      for (int64_t r = 0; r < out_.rows; ++r) {
        const int stored = packed(zeros, g, r, config_.bits);
        set_zero(r, g, config_.zeros_less_one ? (stored + 1) & mask : stored);
      }
    }
    constexpr int64_t kTile = 16;
    for (int64_t tile = 0; tile < weight.dim(0); tile += kTile) {
      const int64_t end = std::min(tile + kTile, weight.dim(0));
      for (int64_t r = 0; r < out_.rows; ++r) {
        uint8_t* row = out_.codes.data() + r * out_.row_bytes();
        for (int64_t k = tile; k < end; ++k) {
          const uint32_t w = word(weight, k * out_.rows + r);
          std::memcpy(row + 4 * k, &w, 4);
        }
      }
    }
    return std::move(out_);
  }

  Result<QuantisedMatrix> pack_quantized() {
    const int64_t per_word = 32 / config_.bits;
    MAIE_ASSIGN(const ConstTensor weight, matrix("weight_packed", DType::kI32));
    MAIE_ASSIGN(const int64_t columns, inputs_of(weight, per_word));
    MAIE_TRY(begin(weight.dim(0), 1, columns, 1));
    MAIE_TRY(read_scales("weight_scale", Order::kByOutput));
    MAIE_TRY(check_order("weight_g_idx"));
    MAIE_TRY(read_zero_points(per_word));
    for (int64_t r = 0; r < out_.rows; ++r) {
      std::memcpy(out_.codes.data() + r * out_.row_bytes(),
                  static_cast<const std::byte*>(weight.raw()) + r * weight.dim(1) * 4,
                  size_t(out_.row_bytes()));
    }
    return std::move(out_);
  }

 private:
  enum class Order { kByInput, kByOutput };

  std::string name(const char* part) const {
    return file_.path() + ": tensor \"" + printable(prefix_) + "." + part + "\"";
  }

  Result<ConstTensor> matrix(const char* part, DType type) const {
    MAIE_ASSIGN(const ConstTensor tensor, file_.get(prefix_ + "." + part));
    if (tensor.dtype() != type || tensor.rank() != 2 || tensor.size() == 0) {
      return corrupt(name(part) + " is " + std::string(to_string(tensor.dtype())) + " of shape " +
                     tensor.shape().to_string() + " and not a matrix of " +
                     std::string(to_string(type)) + "; fetch the file again");
    }
    return tensor;
  }

  Status has_shape(const char* part, const ConstTensor& tensor, const Shape& shape) const {
    if (tensor.shape() == shape) return {};
    return corrupt(name(part) + " has shape " + tensor.shape().to_string() + " where " +
                   shape.to_string() + " belongs to the weights and groups of " +
                   std::to_string(out_.group) + "; fetch config.json and the file again");
  }

  Result<ConstTensor> sized(const char* part, DType type, const Shape& shape) const {
    MAIE_ASSIGN(const ConstTensor tensor, matrix(part, type));
    MAIE_TRY(has_shape(part, tensor, shape));
    return tensor;
  }

  // Sets the extents: outputs * times_out by inputs * times_in, each checked against overflow.
  Status begin(int64_t outputs, int64_t times_out, int64_t inputs, int64_t times_in) {
    const auto rows = checked_product(uint64_t(outputs), uint64_t(times_out));
    const auto columns = checked_product(uint64_t(inputs), uint64_t(times_in));
    const std::string layer = file_.path() + ": layer \"" + printable(prefix_) + "\"";
    if (!rows || !columns || !checked_product(*rows, *columns)) {
      return corrupt(layer + " is larger than any; fetch the file again");
    }
    out_.rows = int64_t(*rows);
    out_.columns = int64_t(*columns);
    out_.bits = config_.bits;
    out_.group = config_.group == 0 ? out_.columns : config_.group;
    if (out_.columns % out_.group != 0) {
      return unsupported(layer + " has " + std::to_string(out_.columns) +
                         " inputs, which is no multiple of the group size " +
                         std::to_string(out_.group) + " of config.json");
    }
    out_.codes.resize(size_t(out_.rows * out_.row_bytes()));
    return {};
  }

  void set_zero(int64_t row, int64_t g, int zero) {
    out_.zeros[size_t(row * out_.groups() + g)] = float(zero);
  }

  Status read_scales(const char* part, Order order) {
    MAIE_ASSIGN(const ConstTensor scales, file_.get(prefix_ + "." + part));
    const DType type = scales.dtype();
    if (type != DType::kF16 && type != DType::kBF16 && type != DType::kF32) {
      return unsupported(name(part) + " is " + std::string(to_string(type)) +
                         "; MAIE reads scales in float16, bfloat16 and float32");
    }
    const bool by_input = order == Order::kByInput;
    const Shape shape =
        by_input ? Shape{out_.groups(), out_.rows} : Shape{out_.rows, out_.groups()};
    MAIE_TRY(has_shape(part, scales, shape));
    // Only now is it known that the file holds as many: a hostile group size costs no memory.
    out_.scales.resize(size_t(out_.rows * out_.groups()));
    out_.zeros.resize(out_.scales.size());
    for (int64_t r = 0; r < out_.rows; ++r) {
      for (int64_t g = 0; g < out_.groups(); ++g) {
        const float scale = float_at(scales, by_input ? g * out_.rows + r : r * out_.groups() + g);
        if (!std::isfinite(scale)) {
          return corrupt(name(part) + " has a scale that is no finite number, at output " +
                         std::to_string(r) + ", group " + std::to_string(g) +
                         "; fetch the file again");
        }
        out_.scales[size_t(r * out_.groups() + g)] = scale;
      }
    }
    return {};
  }

  // Groups must be stretches of neighbouring inputs, however the file says so.
  Status check_order(const char* part) const {
    const ConstTensor* order = file_.find(prefix_ + "." + part);
    if (order == nullptr) return {};
    if (order->dtype() != DType::kI32 || order->shape() != Shape{out_.columns}) {
      return corrupt(name(part) + " does not give a group to each of the " +
                     std::to_string(out_.columns) + " inputs; fetch the file again");
    }
    const bool unused = int32_t(word(*order, 0)) == -1;
    for (int64_t k = 0; k < out_.columns; ++k) {
      if (int32_t(word(*order, k)) != (unused ? -1 : int32_t(k / out_.group))) {
        return unsupported(name(part) + " puts input " + std::to_string(k) + " into group " +
                           std::to_string(int32_t(word(*order, k))) +
                           " (activation order); choose a model quantised without desc_act");
      }
    }
    return {};
  }

  // The true number of inputs of a pack-quantized layer; its last word may be padded.
  Result<int64_t> inputs_of(const ConstTensor& weight, int64_t per_word) const {
    MAIE_ASSIGN(const ConstTensor shape, file_.get(prefix_ + ".weight_shape"));
    std::array<int64_t, 2> dims{};
    const bool wide = shape.dtype() == DType::kI64;
    if ((!wide && shape.dtype() != DType::kI32) || shape.shape() != Shape{2}) {
      return corrupt(name("weight_shape") + " is not a pair of numbers; fetch the file again");
    }
    for (int64_t i = 0; i < 2; ++i) {
      if (wide) {
        std::memcpy(&dims[size_t(i)], static_cast<const std::byte*>(shape.raw()) + 8 * i, 8);
      } else {
        dims[size_t(i)] = int32_t(word(shape, i));
      }
    }
    const int64_t words = weight.dim(1);
    if (dims[0] != weight.dim(0) || dims[1] <= (words - 1) * per_word ||
        dims[1] > words * per_word) {
      return corrupt(name("weight_shape") + " says [" + std::to_string(dims[0]) + ", " +
                     std::to_string(dims[1]) + "], which the packed weights of shape " +
                     weight.shape().to_string() + " are not; fetch the file again");
    }
    return dims[1];
  }

  Status read_zero_points(int64_t per_word) {
    const int middle = 1 << (config_.bits - 1);  // codes are stored with this added
    const ConstTensor* zeros = file_.find(prefix_ + ".weight_zero_point");
    if (config_.symmetric && zeros == nullptr) {
      std::fill(out_.zeros.begin(), out_.zeros.end(), float(middle));
      return {};
    }
    MAIE_ASSIGN(const ConstTensor stored, file_.get(prefix_ + ".weight_zero_point"));
    const bool plain = stored.dtype() == DType::kI8;
    if (!plain && stored.dtype() != DType::kI32) {
      return unsupported(name("weight_zero_point") + " is " +
                         std::string(to_string(stored.dtype())) + "; MAIE reads int32 and int8");
    }
    const int64_t rows = plain ? out_.rows : (out_.rows + per_word - 1) / per_word;
    MAIE_TRY(has_shape("weight_zero_point", stored, {rows, out_.groups()}));
    for (int64_t r = 0; r < out_.rows; ++r) {
      for (int64_t g = 0; g < out_.groups(); ++g) {
        if (plain) {
          set_zero(r, g, stored.data<int8_t>()[r * out_.groups() + g] + middle);
        } else {
          const uint32_t w = word(stored, r / per_word * out_.groups() + g);
          set_zero(r, g, int(w >> (config_.bits * (r % per_word)) & ((1u << config_.bits) - 1)));
        }
      }
    }
    return {};
  }

  const Safetensors& file_;
  const std::string& prefix_;
  const QuantisationConfig& config_;
  QuantisedMatrix out_;
};

}  // namespace

bool has_quantised_linear(const Safetensors& file, const std::string& prefix, Method method) {
  const char* part = method == Method::kPackQuantized ? ".weight_packed" : ".qweight";
  return file.find(prefix + part) != nullptr;
}

Result<QuantisedMatrix> read_quantised_linear(const Safetensors& file, const std::string& prefix,
                                              const QuantisationConfig& config) {
  LayerReader layer(file, prefix, config);
  switch (config.method) {
    case Method::kAwq: return layer.awq();
    case Method::kGptq: return layer.gptq();
    case Method::kPackQuantized: break;
  }
  return layer.pack_quantized();
}

}  // namespace maie::formats
