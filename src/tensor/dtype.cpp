#include "tensor/dtype.h"

#include <array>
#include <utility>

namespace maie {

std::string_view to_string(DType type) {
  switch (type) {
    case DType::kF32: return "float32";
    case DType::kF16: return "float16";
    case DType::kBF16: return "bfloat16";
    case DType::kI8: return "int8";
    case DType::kU8: return "uint8";
    case DType::kI16: return "int16";
    case DType::kI32: return "int32";
    case DType::kI64: return "int64";
    case DType::kF64: return "float64";
  }
  return "unknown";
}

// Both conversions work on the bit fields: exponent bias 15 against 127, 10 against 23 fraction
// bits.
Half::Half(float value) {
  const uint32_t u = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (u >> 16) & 0x8000u;
  const uint32_t magnitude = u & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {  // NaN
    bits = uint16_t(sign | 0x7e00u);
  } else if (magnitude >= 0x477ff000u) {  // rounds past the largest half, 65504
    bits = uint16_t(sign | 0x7c00u);
  } else if (magnitude < 0x38800000u) {  // below 2^-14: a subnormal half counts steps of 2^-24
    // Adding 0.5 puts those steps at the end of the float's fraction, rounding to nearest even.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    bits = uint16_t(sign | (std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(0.5f)));
  } else {
    const uint32_t odd = (magnitude >> 13) & 1u;
    bits = uint16_t(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
  }
}

Half::operator float() const {
  const uint32_t sign = uint32_t(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 31u;
  const uint32_t fraction = bits & 1023u;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (fraction << 13));
  if (exponent == 0) {
    const float magnitude = float(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (fraction << 13));
}

namespace {
constexpr std::array<std::pair<ComputeType, std::string_view>, 8> kComputeTypes = {{
    {ComputeType::kAuto, "auto"},
    {ComputeType::kFloat32, "float32"},
    {ComputeType::kBFloat16, "bfloat16"},
    {ComputeType::kFloat16, "float16"},
    {ComputeType::kInt8, "int8"},
    {ComputeType::kInt8BFloat16, "int8_bfloat16"},
    {ComputeType::kInt8Float16, "int8_float16"},
    {ComputeType::kInt4, "int4"},
}};
}  // namespace

std::string_view to_string(ComputeType type) {
  for (const auto& [value, name] : kComputeTypes) {
    if (value == type) return name;
  }
  return "unknown";
}

std::optional<ComputeType> parse_compute_type(std::string_view name) {
  for (const auto& [value, known] : kComputeTypes) {
    if (known == name) return value;
  }
  return std::nullopt;
}

}  // namespace maie
