// What the tensors of a quantised layer must be, before any of its rows is read.
#include <array>
#include <cstring>

#include "formats/byte_reader.h"
#include "formats/dense.h"
#include "formats/packed_words.h"
#include "formats/quantised_linear.h"

namespace maie::formats {

using Method = QuantisationConfig::Method;

// The tensors of one layer, looked up and checked against each other.
class LayerChecks {
 public:
  LayerChecks(const Safetensors& file, const std::string& prefix, const QuantisationConfig& config)
      : file_(file), prefix_(prefix), config_(config) {
    out_.config_ = config;
  }

  Result<QuantisedLinear> awq() {
    MAIE_ASSIGN(out_.weight_, matrix("qweight", DType::kI32));
    MAIE_TRY(begin(out_.weight_.dim(1), 8, out_.weight_.dim(0), 1));
    if (form().columns % 2 != 0) {
      return unsupported(name("qweight") + " has an odd number of inputs");
    }
    MAIE_ASSIGN(out_.zeros_, sized("qzeros", DType::kI32, {form().groups(), out_.weight_.dim(1)}));
    MAIE_TRY(check_scales("scales", {form().groups(), form().rows}));
    return std::move(out_);
  }

  Result<QuantisedLinear> gptq() {
    const int64_t per_word = 32 / config_.bits;
    MAIE_ASSIGN(out_.weight_, matrix("qweight", DType::kI32));
    MAIE_TRY(begin(out_.weight_.dim(1), 1, out_.weight_.dim(0), per_word));
    if (form().rows % per_word != 0) {
      return unsupported(name("qweight") + " has " + std::to_string(form().rows) +
                         " outputs, which is no multiple of " + std::to_string(per_word));
    }
    MAIE_ASSIGN(out_.zeros_,
                sized("qzeros", DType::kI32, {form().groups(), form().rows / per_word}));
    MAIE_TRY(check_scales("scales", {form().groups(), form().rows}));
    MAIE_TRY(check_order("g_idx"));
    out_.symmetric_ = every_zero_is_the_middle();
    return std::move(out_);
  }

  Result<QuantisedLinear> pack_quantized() {
    const int64_t per_word = 32 / config_.bits;
    MAIE_ASSIGN(out_.weight_, matrix("weight_packed", DType::kI32));
    MAIE_ASSIGN(const int64_t columns, inputs_of(out_.weight_, per_word));
    MAIE_TRY(begin(out_.weight_.dim(0), 1, columns, 1));
    MAIE_TRY(check_scales("weight_scale", {form().rows, form().groups()}));
    MAIE_TRY(check_order("weight_g_idx"));
    MAIE_TRY(check_zero_points(per_word));
    return std::move(out_);
  }

 private:
  const QuantisedMatrix& form() const { return out_.form_; }

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
                   std::to_string(form().group) + "; fetch config.json and the file again");
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
    QuantisedMatrix& out = out_.form_;
    out.rows = int64_t(*rows);
    out.columns = int64_t(*columns);
    out.bits = config_.bits;
    out.group = config_.group == 0 ? out.columns : config_.group;
    if (out.columns % out.group != 0) {
      return unsupported(layer + " has " + std::to_string(out.columns) +
                         " inputs, which is no multiple of the group size " +
                         std::to_string(out.group) + " of config.json");
    }
    return {};
  }

  Status check_scales(const char* part, const Shape& shape) {
    MAIE_ASSIGN(out_.scales_, file_.get(prefix_ + "." + part));
    if (!is_dense_float(out_.scales_.dtype())) {
      return unsupported(name(part) + " is " + std::string(to_string(out_.scales_.dtype())) +
                         "; MAIE reads scales in float16, bfloat16 and float32");
    }
    out_.scales_name_ = name(part);
    return has_shape(part, out_.scales_, shape);
  }

  // Groups must be stretches of neighbouring inputs, however the file says so.
  Status check_order(const char* part) const {
    const ConstTensor* order = file_.find(prefix_ + "." + part);
    if (order == nullptr) return {};
    if (order->dtype() != DType::kI32 || order->shape() != Shape{form().columns}) {
      return corrupt(name(part) + " does not give a group to each of the " +
                     std::to_string(form().columns) + " inputs; fetch the file again");
    }
    const bool unused = int32_t(word(*order, 0)) == -1;
    for (int64_t k = 0; k < form().columns; ++k) {
      if (int32_t(word(*order, k)) != (unused ? -1 : int32_t(k / form().group))) {
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

  // GPTQ without zeros of its own still stores them.
  bool every_zero_is_the_middle() const {
    uint32_t wanted = 0;
    for (int shift = 0; shift < 32; shift += config_.bits) {
      wanted |= ((1u << (config_.bits - 1)) - (config_.zeros_less_one ? 1 : 0)) << shift;
    }
    for (int64_t i = 0; i < out_.zeros_.size(); ++i) {
      if (word(out_.zeros_, i) != wanted) return false;
    }
    return true;
  }

  Status check_zero_points(int64_t per_word) {
    const ConstTensor* zeros = file_.find(prefix_ + ".weight_zero_point");
    out_.symmetric_ = config_.symmetric && zeros == nullptr;
    if (out_.symmetric_) return {};
    MAIE_ASSIGN(out_.zeros_, file_.get(prefix_ + ".weight_zero_point"));
    const bool plain = out_.zeros_.dtype() == DType::kI8;
    if (!plain && out_.zeros_.dtype() != DType::kI32) {
      return unsupported(name("weight_zero_point") + " is " +
                         std::string(to_string(out_.zeros_.dtype())) +
                         "; MAIE reads int32 and int8");
    }
    const int64_t rows = plain ? form().rows : (form().rows + per_word - 1) / per_word;
    return has_shape("weight_zero_point", out_.zeros_, {rows, form().groups()});
  }

  const Safetensors& file_;
  const std::string& prefix_;
  const QuantisationConfig& config_;
  QuantisedLinear out_;
};

Result<QuantisedLinear> QuantisedLinear::open(const Safetensors& file, const std::string& prefix,
                                              const QuantisationConfig& config) {
  LayerChecks layer(file, prefix, config);
  switch (config.method) {
    case Method::kAwq: return layer.awq();
    case Method::kGptq: return layer.gptq();
    case Method::kPackQuantized: break;
  }
  return layer.pack_quantized();
}

}  // namespace maie::formats
