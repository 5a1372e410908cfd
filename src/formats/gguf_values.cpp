// What a caller asks a mapped GGUF file: values turned into numbers and texts, and tensors.
#include <cstring>

#include "formats/gguf.h"

namespace maie::formats {
namespace {

constexpr std::string_view kAgain = "; fetch the file again";

template <class Number>
Number load(std::span<const std::byte> bytes, size_t index) {
  Number value;
  std::memcpy(&value, bytes.data() + index * sizeof(Number), sizeof(Number));
  return value;
}

// Element `index` of a span of numbers; nullopt when they are not whole or do not fit.
std::optional<int64_t> integer_at(GgufType type, std::span<const std::byte> bytes, size_t index) {
  switch (type) {
    case GgufType::kU8: return load<uint8_t>(bytes, index);
    case GgufType::kI8: return load<int8_t>(bytes, index);
    case GgufType::kU16: return load<uint16_t>(bytes, index);
    case GgufType::kI16: return load<int16_t>(bytes, index);
    case GgufType::kU32: return load<uint32_t>(bytes, index);
    case GgufType::kI32: return load<int32_t>(bytes, index);
    case GgufType::kI64: return load<int64_t>(bytes, index);
    case GgufType::kU64: {
      const auto value = load<uint64_t>(bytes, index);
      return value > uint64_t(INT64_MAX) ? std::nullopt : std::optional<int64_t>(value);
    }
    default: return std::nullopt;
  }
}

std::optional<double> number_at(GgufType type, std::span<const std::byte> bytes, size_t index) {
  if (type == GgufType::kF32) return load<float>(bytes, index);
  if (type == GgufType::kF64) return load<double>(bytes, index);
  const auto whole = integer_at(type, bytes, index);
  return whole ? std::optional<double>(double(*whole)) : std::nullopt;
}

}  // namespace

const GgufValue* Gguf::find_value(std::string_view key) const {
  const auto it = values_.find(key);
  return it == values_.end() ? nullptr : &it->second;
}

std::vector<std::string_view> Gguf::keys() const {
  std::vector<std::string_view> keys;
  for (const auto& [key, value] : values_) keys.push_back(key);
  return keys;
}

Status Gguf::wrong_type(std::string_view key, const GgufValue& value,
                        std::string_view wanted) const {
  std::string type(maie::formats::to_string(value.type));
  if (value.type == GgufType::kArray) {
    type += " of " + std::string(maie::formats::to_string(value.element));
  }
  return corrupt(path_ + ": key \"" + printable(key) + "\" at byte " +
                 std::to_string(value.offset) + " is of type " + type + " and not " +
                 std::string(wanted) + std::string(kAgain));
}

Result<const GgufValue*> Gguf::require(std::string_view key, bool array) const {
  const GgufValue* value = find_value(key);
  if (value == nullptr) {
    return not_found(path_ + ": has no key \"" + printable(key) +
                     "\"; the file is incomplete or of another kind of model");
  }
  if ((value->type == GgufType::kArray) != array) {
    return wrong_type(key, *value, array ? "an array" : "a single value");
  }
  return value;
}

Result<int64_t> Gguf::integer(std::string_view key) const {
  MAIE_ASSIGN(const GgufValue* value, require(key, false));
  const auto number = integer_at(value->type, value->bytes, 0);
  if (!number) return wrong_type(key, *value, "a whole number");
  return *number;
}

Result<double> Gguf::number(std::string_view key) const {
  MAIE_ASSIGN(const GgufValue* value, require(key, false));
  const auto number = number_at(value->type, value->bytes, 0);
  if (!number) return wrong_type(key, *value, "a number");
  return *number;
}

Result<bool> Gguf::boolean(std::string_view key) const {
  MAIE_ASSIGN(const GgufValue* value, require(key, false));
  if (value->type != GgufType::kBool) return wrong_type(key, *value, "bool");
  return value->bytes[0] != std::byte{0};
}

Result<std::string_view> Gguf::string(std::string_view key) const {
  MAIE_ASSIGN(const GgufValue* value, require(key, false));
  if (value->type != GgufType::kString) return wrong_type(key, *value, "string");
  return std::string_view(reinterpret_cast<const char*>(value->bytes.data()), value->bytes.size());
}

Result<std::vector<std::string_view>> Gguf::strings(std::string_view key) const {
  MAIE_ASSIGN(const GgufValue* value, require(key, true));
  if (value->element != GgufType::kString) return wrong_type(key, *value, "an array of strings");
  std::vector<std::string_view> strings;
  strings.reserve(size_t(value->count));
  ByteReader reader(value->bytes);
  for (uint64_t i = 0; i < value->count; ++i) {
    strings.push_back(*reader.text(size_t(*reader.number<uint64_t>())));  // checked on opening
  }
  return strings;
}

Result<std::vector<int64_t>> Gguf::integers(std::string_view key) const {
  MAIE_ASSIGN(const GgufValue* value, require(key, true));
  std::vector<int64_t> numbers;
  numbers.reserve(size_t(value->count));
  for (uint64_t i = 0; i < value->count; ++i) {
    const auto number = integer_at(value->element, value->bytes, size_t(i));
    if (!number) return wrong_type(key, *value, "an array of whole numbers");
    numbers.push_back(*number);
  }
  return numbers;
}

Result<std::vector<float>> Gguf::numbers(std::string_view key) const {
  MAIE_ASSIGN(const GgufValue* value, require(key, true));
  std::vector<float> numbers;
  numbers.reserve(size_t(value->count));
  for (uint64_t i = 0; i < value->count; ++i) {
    const auto number = number_at(value->element, value->bytes, size_t(i));
    if (!number) return wrong_type(key, *value, "an array of numbers");
    numbers.push_back(float(*number));
  }
  return numbers;
}

const GgufTensor* Gguf::find(std::string_view name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

Result<GgufTensor> Gguf::get(std::string_view name) const {
  const GgufTensor* tensor = find(name);
  if (tensor == nullptr) {
    return not_found(path_ + ": has no tensor \"" + printable(name) +
                     "\"; the model is incomplete or of another kind");
  }
  return *tensor;
}

std::vector<std::string_view> Gguf::names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, tensor] : tensors_) names.push_back(name);
  return names;
}

}  // namespace maie::formats
