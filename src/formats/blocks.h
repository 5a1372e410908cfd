#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace maie::formats {

/// How ggml stores the elements of a tensor, by the number it has in the file. The q types hold
/// blocks of 32 consecutive values of a row:
///
///   q4_0  f16 d, 16 bytes of nibbles                v = d * (q - 8)
///   q4_1  f16 d, f16 m, 16 bytes of nibbles         v = d * q + m
///   q5_0  f16 d, u32 fifth bits, 16 bytes           v = d * (q - 16)
///   q5_1  f16 d, f16 m, u32 fifth bits, 16 bytes    v = d * q + m
///   q8_0  f16 d, 32 signed bytes                    v = d * q
///
/// Low nibbles are values 0..15, high nibbles 16..31; bit j of the u32 is the fifth bit of value j.
enum class BlockType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8
};

/// The type of that number; nullopt for one this program does not read.
std::optional<BlockType> block_type(uint32_t number);

/// "float32", "float16", "q5_0", ...
std::string_view to_string(BlockType type);

/// Values in a block (1 for the plain types) and the bytes it takes.
size_t block_values(BlockType type);
size_t block_bytes(BlockType type);

/// The values of whole blocks, which may lie at any address, in float32, each rounded once.
/// @param bytes   blocks * block_bytes(type)
/// @param values  blocks * block_values(type)
void dequantize(BlockType type, std::span<const std::byte> bytes, std::span<float> values);

}  // namespace maie::formats
