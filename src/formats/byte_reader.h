#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace maie::formats {

static_assert(std::endian::native == std::endian::little, "model files are little-endian");

/// Walks over bytes from outside and never past their end. One thread at a time.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }
  bool at_end() const { return remaining() == 0; }

  /// The next number, which may lie at any address; nullopt when the bytes end before it does.
  template <class Number>
  std::optional<Number> number() {
    if (remaining() < sizeof(Number)) return std::nullopt;
    Number value;
    std::memcpy(&value, bytes_.data() + position_, sizeof(Number));
    position_ += sizeof(Number);
    return value;
  }

  /// The next `count` bytes; nullopt when there are fewer.
  std::optional<std::span<const std::byte>> take(size_t count) {
    if (remaining() < count) return std::nullopt;
    const auto part = bytes_.subspan(position_, count);
    position_ += count;
    return part;
  }
  std::optional<std::string_view> text(size_t count) {
    const auto part = take(count);
    if (!part) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(part->data()), part->size());
  }

 private:
  std::span<const std::byte> bytes_;
  size_t position_ = 0;
};

/// a * b, or nullopt when it does not fit the signed type of shapes. For numbers from outside.
inline std::optional<uint64_t> checked_product(uint64_t a, uint64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return uint64_t(product);
}

/// A name from a file, short and without control characters, for an error message.
inline std::string printable(std::string_view name) {
  std::string text;
  for (const char c : name.substr(0, 80)) text += uint8_t(c) < 0x20 || c == 0x7f ? '?' : c;
  return name.size() > 80 ? text + "..." : text;
}

}  // namespace maie::formats
