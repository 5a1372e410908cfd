#include "formats/blocks.h"

#include <array>
#include <cstring>

#include "base/check.h"
#include "tensor/dtype.h"

namespace maie::formats {
namespace {

constexpr size_t kBlock = 32;

struct Layout {
  BlockType type;
  std::string_view name;
  size_t values;
  size_t bytes;
};
constexpr std::array<Layout, 7> kLayouts = {{
    {BlockType::kF32, "float32", 1, 4},
    {BlockType::kF16, "float16", 1, 2},
    {BlockType::kQ4_0, "q4_0", kBlock, 18},
    {BlockType::kQ4_1, "q4_1", kBlock, 20},
    {BlockType::kQ5_0, "q5_0", kBlock, 22},
    {BlockType::kQ5_1, "q5_1", kBlock, 24},
    {BlockType::kQ8_0, "q8_0", kBlock, 34},
}};

const Layout& layout_of(BlockType type) {
  for (const Layout& layout : kLayouts) {
    if (layout.type == type) return layout;
  }
  check(false, "a known block type");
  return kLayouts[0];
}

template <class Number>
Number load(const std::byte* at) {
  Number value;
  std::memcpy(&value, at, sizeof(Number));
  return value;
}

float load_half(const std::byte* at) {
  Half half;
  half.bits = load<uint16_t>(at);
  return float(half);
}

// One block of q4 or q5: v = d * (q + kOffset) + m. The products are exact in float (11 bits of d
// times 5 of q), so that only the addition of m rounds, fused or not.
template <bool kFifthBit, bool kMinimum>
void nibble_block(const std::byte* block, float* values) {
  const float d = load_half(block);
  const float m = kMinimum ? load_half(block + 2) : 0.0f;
  block += kMinimum ? 4 : 2;
  uint32_t fifth = 0;
  if (kFifthBit) {
    fifth = load<uint32_t>(block);
    block += 4;
  }
  constexpr int kOffset = kMinimum ? 0 : kFifthBit ? -16 : -8;
  for (int j = 0; j < 16; ++j) {
    const int byte = int(block[j]);
    const int low = (byte & 15) | (kFifthBit ? int((fifth >> j) & 1u) << 4 : 0);
    const int high = (byte >> 4) | (kFifthBit ? int((fifth >> (j + 16)) & 1u) << 4 : 0);
    values[j] = kMinimum ? float(low) * d + m : float(low + kOffset) * d;
    values[j + 16] = kMinimum ? float(high) * d + m : float(high + kOffset) * d;
  }
}

void byte_block(const std::byte* block, float* values) {
  const float d = load_half(block);
  for (size_t j = 0; j < kBlock; ++j) values[j] = float(int8_t(block[2 + j])) * d;
}

template <class OneBlock>
void for_each_block(const Layout& layout, std::span<const std::byte> bytes, float* values,
                    OneBlock one_block) {
  for (size_t at = 0; at < bytes.size(); at += layout.bytes, values += layout.values) {
    one_block(bytes.data() + at, values);
  }
}

}  // namespace

std::optional<BlockType> block_type(uint32_t number) {
  for (const Layout& layout : kLayouts) {
    if (uint32_t(layout.type) == number) return layout.type;
  }
  return std::nullopt;
}

std::string_view to_string(BlockType type) { return layout_of(type).name; }
size_t block_values(BlockType type) { return layout_of(type).values; }
size_t block_bytes(BlockType type) { return layout_of(type).bytes; }

void dequantize(BlockType type, std::span<const std::byte> bytes, std::span<float> values) {
  const Layout& layout = layout_of(type);
  check(bytes.size() % layout.bytes == 0, "whole blocks");
  check(values.size() == bytes.size() / layout.bytes * layout.values, "room for each value");
  switch (type) {
    case BlockType::kF32:
      if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
      return;
    case BlockType::kF16:
      return for_each_block(layout, bytes, values.data(),
                            [](const std::byte* at, float* v) { *v = load_half(at); });
    case BlockType::kQ4_0:
      return for_each_block(layout, bytes, values.data(), nibble_block<false, false>);
    case BlockType::kQ4_1:
      return for_each_block(layout, bytes, values.data(), nibble_block<false, true>);
    case BlockType::kQ5_0:
      return for_each_block(layout, bytes, values.data(), nibble_block<true, false>);
    case BlockType::kQ5_1:
      return for_each_block(layout, bytes, values.data(), nibble_block<true, true>);
    case BlockType::kQ8_0: return for_each_block(layout, bytes, values.data(), byte_block);
  }
}

}  // namespace maie::formats
