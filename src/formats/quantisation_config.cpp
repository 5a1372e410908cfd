// What config.json says about quantised weights, as AutoAWQ, AutoGPTQ and compressed-tensors write
// it. Every member that changes the weights is looked at; whatever we do not know is refused.
#include "formats/byte_reader.h"
#include "formats/quantised_linear.h"

namespace maie::formats {
namespace {

using Method = QuantisationConfig::Method;
using Parsed = Result<std::optional<QuantisationConfig>>;

Status refused(const std::string& member, const Json& value, const std::string& reads) {
  return unsupported("config.json: quantization_config." + member + " is " +
                     printable(value.dump(-1, ' ', true, Json::error_handler_t::replace)) +
                     "; MAIE reads " + reads + ", so choose another quantisation of the model");
}

const Json& member(const Json& object, const char* key) {
  static const Json null;
  if (!object.is_object()) return null;
  const auto it = object.find(key);
  return it == object.end() ? null : *it;
}

bool is_absent_or(const Json& value, const Json& wanted) {
  return value.is_null() || value == wanted;
}

// A group size; -1 or null stand for a scale per output.
Status read_group(const Json& value, const std::string& where, QuantisationConfig& config) {
  if (value.is_null() || value == Json(-1)) {
    config.group = 0;
    return {};
  }
  const int64_t size = value.is_number_integer() ? value.get<int64_t>() : 0;
  if (size < 1 || size > 1 << 20) return refused(where, value, "a positive number or -1");
  config.group = size;
  return {};
}

Status read_bits(const Json& value, const std::string& where, bool eight,
                 QuantisationConfig& config) {
  if (value != Json(4) && !(eight && value == Json(8))) {
    return refused(where, value, eight ? "4 and 8 bits" : "4 bits");
  }
  config.bits = value.get<int>();
  return {};
}

Parsed awq(const Json& given) {
  QuantisationConfig config{.method = Method::kAwq};
  const Json& version = member(given, "version");
  if (!is_absent_or(version, "gemm") && version != Json("GEMM")) {
    return refused("version", version, "\"gemm\"");
  }
  const Json& zero_point = member(given, "zero_point");
  if (!is_absent_or(zero_point, true)) return refused("zero_point", zero_point, "true");
  MAIE_TRY(read_bits(member(given, "bits"), "bits", false, config));
  MAIE_TRY(read_group(member(given, "group_size"), "group_size", config));
  return std::optional(config);
}

Parsed gptq(const Json& given) {
  QuantisationConfig config{.method = Method::kGptq};
  const Json& format = member(given, "checkpoint_format");
  if (!is_absent_or(format, "gptq") && format != Json("gptq_v2")) {
    return refused("checkpoint_format", format, "\"gptq\" and \"gptq_v2\"");
  }
  config.zeros_less_one = format != Json("gptq_v2");
  MAIE_TRY(read_bits(member(given, "bits"), "bits", true, config));
  MAIE_TRY(read_group(member(given, "group_size"), "group_size", config));
  return std::optional(config);
}

Parsed compressed_tensors(const Json& given) {
  QuantisationConfig config{.method = Method::kPackQuantized};
  const Json& format = member(given, "format");
  if (format != Json("pack-quantized")) return refused("format", format, "\"pack-quantized\"");
  const Json& groups = member(given, "config_groups");
  if (!groups.is_object() || groups.size() != 1) {
    return refused("config_groups", Json(groups.size()), "one group of layers");
  }
  const std::string where = "config_groups." + printable(groups.begin().key());
  const Json& inputs = member(groups.front(), "input_activations");
  if (!inputs.is_null()) {
    return refused(where + ".input_activations", inputs, "activations that are not quantised");
  }
  const Json& weights = member(groups.front(), "weights");
  const std::string at = where + ".weights.";
  const Json& type = member(weights, "type");
  if (!is_absent_or(type, "int")) return refused(at + "type", type, "\"int\"");
  MAIE_TRY(read_bits(member(weights, "num_bits"), at + "num_bits", true, config));
  const Json& strategy = member(weights, "strategy");
  if (strategy == Json("channel")) {
    config.group = 0;
  } else if (strategy == Json("group")) {
    MAIE_TRY(read_group(member(weights, "group_size"), at + "group_size", config));
  } else {
    return refused(at + "strategy", strategy, "\"group\" and \"channel\"");
  }
  config.symmetric = json_bool(weights, "symmetric", true);
  return std::optional(config);
}

}  // namespace

Parsed parse_quantisation(const Json& config) {
  const Json& given = member(config, "quantization_config");
  if (given.is_null()) return std::optional<QuantisationConfig>();
  const Json& method = member(given, "quant_method");
  if (method == Json("awq")) return awq(given);
  if (method == Json("gptq")) return gptq(given);
  if (method == Json("compressed-tensors")) return compressed_tensors(given);
  return refused("quant_method", method, "\"awq\", \"gptq\" and \"compressed-tensors\"");
}

}  // namespace maie::formats
