#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace maie::formats {

/// The scale and the minimum of each 32 values of a q4_K or q5_K block, before d and dmin.
struct KScales {
  std::array<uint8_t, 8> scale, minimum;
};
/// @param packed  the 12 bytes in which both lie, 6 bits each.
KScales unpack_k_scales(const std::byte* packed);

/// How ggml stores the elements of a tensor, by the number it has in the file. The q types hold
/// blocks of consecutive values of a row. Those of 32 values:
///
///   q4_0  f16 d, 16 bytes of nibbles                v = d * (q - 8)
///   q4_1  f16 d, f16 m, 16 bytes of nibbles         v = d * q + m
///   q5_0  f16 d, u32 fifth bits, 16 bytes           v = d * (q - 16)
///   q5_1  f16 d, f16 m, u32 fifth bits, 16 bytes    v = d * q + m
///   q8_0  f16 d, 32 signed bytes                    v = d * q
///
/// Low nibbles are values 0..15, high nibbles 16..31; bit j of the u32 is the fifth bit of value j.
///
/// Those of 256 values, with a scale (and minimum) of few bits for each stretch of 32 or 16:
///
///   q4_K  f16 d, f16 dmin, 12 bytes of scales, 128 of nibbles             v = d s q - dmin m
///   q5_K  the same with 32 bytes of fifth bits before the nibbles         v = d s q - dmin m
///   q6_K  128 bytes low 4 bits, 64 bytes high 2 bits, 16 i8 s, f16 d      v = d s (q - 32)
///
/// docs/spec/models.md, section 6.8, says which bit belongs to which value.
enum class BlockType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kBF16 = 30
};

/// The type of that number; nullopt for one this program does not read.
std::optional<BlockType> block_type(uint32_t number);

/// "float32", "float16", "q5_0", "q4_K", ...
std::string_view to_string(BlockType type);

/// The name of any number, also of a type that is not read: "q2_K", or "ggml type 99" for one
/// unheard of. With `readable_block_types` ("float32, ... and q6_K"), for error messages.
std::string block_type_name(uint32_t number);
std::string readable_block_types();

/// Values in a block (1 for the plain types) and the bytes it takes.
size_t block_values(BlockType type);
size_t block_bytes(BlockType type);

/// The values of whole blocks, which may lie at any address, in float32, each rounded once.
/// @param bytes   blocks * block_bytes(type)
/// @param values  blocks * block_values(type)
void dequantize(BlockType type, std::span<const std::byte> bytes, std::span<float> values);

}  // namespace maie::formats
