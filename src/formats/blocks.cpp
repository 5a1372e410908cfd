#include "formats/blocks.h"

#include <array>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "tensor/dtype.h"

namespace maie::formats {
namespace {

constexpr size_t kBlock = 32;
constexpr size_t kSuperBlock = 256;

struct Layout {
  BlockType type;
  std::string_view name;
  size_t values;
  size_t bytes;
};
constexpr std::array<Layout, 11> kLayouts = {{
    {BlockType::kF32, "float32", 1, 4},
    {BlockType::kF16, "float16", 1, 2},
    {BlockType::kBF16, "bfloat16", 1, 2},
    {BlockType::kQ4_0, "q4_0", kBlock, 18},
    {BlockType::kQ4_1, "q4_1", kBlock, 20},
    {BlockType::kQ5_0, "q5_0", kBlock, 22},
    {BlockType::kQ5_1, "q5_1", kBlock, 24},
    {BlockType::kQ8_0, "q8_0", kBlock, 34},
    {BlockType::kQ4_K, "q4_K", kSuperBlock, 144},
    {BlockType::kQ5_K, "q5_K", kSuperBlock, 176},
    {BlockType::kQ6_K, "q6_K", kSuperBlock, 210},
}};

// The types that files may hold and we do not read.
struct OtherType {
  uint32_t number;
  std::string_view name;
};
constexpr OtherType kOtherTypes[] = {
    {9, "q8_1"},     {10, "q2_K"},  {11, "q3_K"},   {15, "q8_K"},  {16, "iq2_xxs"}, {17, "iq2_xs"},
    {18, "iq3_xxs"}, {19, "iq1_s"}, {20, "iq4_nl"}, {21, "iq3_s"}, {22, "iq2_s"},   {23, "iq4_xs"},
    {24, "int8"},    {25, "int16"}, {26, "int32"},  {27, "int64"}, {28, "float64"}, {29, "iq1_m"},
    {34, "tq1_0"},   {35, "tq2_0"}, {39, "mxfp4"},
};

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

// A product of d (11 bits), a scale of at most 8 and a code of at most 6 bits is exact in float, so
// that only the subtraction of the minimum rounds, in whatever order this is worked out.
template <bool kFifthBit>
void k_block(const std::byte* block, float* values) {
  const float d = load_half(block);
  const float dmin = load_half(block + 2);
  const KScales scales = unpack_k_scales(block + 4);
  const std::byte* fifths = block + 16;
  const std::byte* nibbles = fifths + (kFifthBit ? 32 : 0);
  for (size_t part = 0; part < 8; ++part, values += kBlock) {
    const float scale = d * float(scales.scale[part]);
    const float minimum = dmin * float(scales.minimum[part]);
    const std::byte* bytes = nibbles + part / 2 * kBlock;
    const int shift = part % 2 == 0 ? 0 : 4;
    for (size_t i = 0; i < kBlock; ++i) {
      int code = (int(bytes[i]) >> shift) & 15;
      if (kFifthBit) code |= ((int(fifths[i]) >> part) & 1) << 4;
      values[i] = scale * float(code) - minimum;
    }
  }
}

void q6_k_block(const std::byte* block, float* values) {
  const std::byte* signed_scales = block + 192;
  const float d = load_half(block + 208);
  for (size_t half = 0; half < 2; ++half) {
    const std::byte* low = block + 64 * half;
    const std::byte* high = block + 128 + 32 * half;
    for (size_t quarter = 0; quarter < 4; ++quarter, values += kBlock) {
      const std::byte* nibbles = low + (quarter % 2) * kBlock;
      const int low_shift = quarter < 2 ? 0 : 4, high_shift = int(2 * quarter);
      for (size_t part = 0; part < 2; ++part) {
        const float scale = d * float(int8_t(signed_scales[8 * half + 2 * quarter + part]));
        for (size_t i = 16 * part; i < 16 * part + 16; ++i) {
          const int code =
              ((int(nibbles[i]) >> low_shift) & 15) | (((int(high[i]) >> high_shift) & 3) << 4);
          values[i] = scale * float(code - 32);
        }
      }
    }
  }
}

template <class OneBlock>
void for_each_block(const Layout& layout, std::span<const std::byte> bytes, float* values,
                    OneBlock one_block) {
  for (size_t at = 0; at < bytes.size(); at += layout.bytes, values += layout.values) {
    one_block(bytes.data() + at, values);
  }
}

}  // namespace

KScales unpack_k_scales(const std::byte* packed) {
  KScales out;
  const auto byte = [&](size_t i) { return uint8_t(packed[i]); };
  for (size_t j = 0; j < 4; ++j) {
    out.scale[j] = byte(j) & 63;
    out.minimum[j] = byte(j + 4) & 63;
    out.scale[j + 4] = uint8_t((byte(j + 8) & 15) | (byte(j) >> 6) << 4);
    out.minimum[j + 4] = uint8_t((byte(j + 8) >> 4) | (byte(j + 4) >> 6) << 4);
  }
  return out;
}

std::optional<BlockType> block_type(uint32_t number) {
  for (const Layout& layout : kLayouts) {
    if (uint32_t(layout.type) == number) return layout.type;
  }
  return std::nullopt;
}

std::string_view to_string(BlockType type) { return layout_of(type).name; }

std::string block_type_name(uint32_t number) {
  if (const auto type = block_type(number)) return std::string(to_string(*type));
  for (const OtherType& other : kOtherTypes) {
    if (other.number == number) return std::string(other.name);
  }
  return "ggml type " + std::to_string(number);
}

std::string readable_block_types() {
  std::string text;
  for (const Layout& layout : kLayouts) {
    if (!text.empty()) text += &layout == &kLayouts.back() ? " and " : ", ";
    text += layout.name;
  }
  return text;
}

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
    case BlockType::kBF16:
      return for_each_block(layout, bytes, values.data(), [](const std::byte* at, float* v) {
        *v = std::bit_cast<float>(uint32_t{load<uint16_t>(at)} << 16);
      });
    case BlockType::kQ4_0:
      return for_each_block(layout, bytes, values.data(), nibble_block<false, false>);
    case BlockType::kQ4_1:
      return for_each_block(layout, bytes, values.data(), nibble_block<false, true>);
    case BlockType::kQ5_0:
      return for_each_block(layout, bytes, values.data(), nibble_block<true, false>);
    case BlockType::kQ5_1:
      return for_each_block(layout, bytes, values.data(), nibble_block<true, true>);
    case BlockType::kQ8_0: return for_each_block(layout, bytes, values.data(), byte_block);
    case BlockType::kQ4_K: return for_each_block(layout, bytes, values.data(), k_block<false>);
    case BlockType::kQ5_K: return for_each_block(layout, bytes, values.data(), k_block<true>);
    case BlockType::kQ6_K: return for_each_block(layout, bytes, values.data(), q6_k_block);
  }
}

}  // namespace maie::formats
