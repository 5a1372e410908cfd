#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "formats/blocks.h"

namespace maie::formats {

/// A weight matrix [rows = outputs, columns = inputs] as codes of 4 to 8 bits with a scale and a
/// zero for each `group` consecutive codes of a row: what every quantised file is turned into,
/// without loss, before it becomes one of the stored layouts. Owns its bytes.
struct QuantisedMatrix {
  /// How the zero enters, so that each file's values stay exact:
  enum class Zero {
    kCode,   ///< w = (code - zero) * scale, the zero is a whole number
    kValue,  ///< w = code * scale + zero
  };

  int64_t rows = 0;
  int64_t columns = 0;
  int bits = 4;       ///< of a code: 4, or 5, 6 or 8, which take a byte each
  int64_t group = 0;  ///< divides `columns`
  Zero zero = Zero::kCode;
  std::vector<uint8_t>
      codes;  ///< rows of row_bytes(); with 4 bits the even column is the low nibble
  std::vector<float> scales;  ///< [rows, groups()], finite
  std::vector<float> zeros;   ///< [rows, groups()], finite

  int64_t groups() const { return columns / group; }
  int64_t row_bytes() const { return bits == 4 ? (columns + 1) / 2 : columns; }
  int code(int64_t row, int64_t column) const {
    const uint8_t* at = codes.data() + row * row_bytes();
    return bits == 4 ? (at[column / 2] >> (4 * (column % 2))) & 15 : at[column];
  }
  /// What is added to code * scale, whichever kind of zero it is. Exact for kValue, and for kCode
  /// when the scale came from 16 bits.
  float offset(int64_t row, int64_t g) const {
    const auto at = size_t(row * groups() + g);
    return zero == Zero::kValue ? zeros[at] : -zeros[at] * scales[at];
  }
};

/// Where some rows of a quantised matrix go: codes [rows, row_bytes], scales and zeros
/// [rows, groups].
struct CodeRows {
  uint8_t* codes;
  float* scales;
  float* zeros;
};

/// The layout that holds a matrix best: W4 for codes of 4 bits and W6 for those of 5 and 6 in
/// groups that w4_group takes, W8 for all others. (Dense is for weights that come as floats.)
enum class StoredLayout { kDense, kW8, kW6, kW4 };
StoredLayout best_layout(const QuantisedMatrix& matrix);
/// The same by the type of a GGUF tensor: q4_0, q4_1 and q4_K go to W4; q5_0, q5_1, q5_K and q6_K
/// to W6; q8_0 to W8; floats stay dense.
StoredLayout best_layout(BlockType type);
/// The largest of 128, 64 and 32, and of 6 bits 16, that divides the group of a matrix; 0 when none
/// does.
int64_t w4_group(const QuantisedMatrix& form);

/// Rows of quantised GGUF blocks, without loss: q4_0, q4_1 and q4_K become 4-bit codes in groups of
/// 32; q5_0, q5_1 and q5_K 5-bit and q8_0 8-bit codes in groups of 32; q6_K 6-bit codes in groups
/// of 16.
/// @param bytes  rows * columns / block_values(type) blocks; any rows of a tensor may be given.
/// kCorrupt when a scale is not finite.
Result<QuantisedMatrix> from_blocks(BlockType type, std::span<const std::byte> bytes, int64_t rows,
                                    int64_t columns);

/// The same in parts: extents, bits, group and kind of zero of a matrix of that type, its vectors
/// empty; and some of its rows, as their blocks lie in the file.
QuantisedMatrix form_of_blocks(BlockType type, int64_t rows, int64_t columns);
Status read_blocks(BlockType type, std::span<const std::byte> bytes, CodeRows to);

/// A matrix of that form, with room for `rows` rows.
QuantisedMatrix with_room(const QuantisedMatrix& form, int64_t rows);

/// Values of `count` rows from `first` on, in float32, each rounded once.
/// @param values  count * columns
void dequantize(const QuantisedMatrix& matrix, int64_t first, int64_t count,
                std::span<float> values);

/// The W4 layout: groups of 128, 64 or 32 codes, the largest that the file's groups allow (larger
/// groups repeat their scale and zero). Codes, scales and zeros stay what they were, so nothing is
/// lost. kUnsupported for codes of more bits and for groups that are no multiple of 32.
Result<QuantisedMatrix> to_w4(QuantisedMatrix matrix);

/// The W8 layout: w = code * scale of its row.
struct Int8Matrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<int8_t> codes;  ///< [rows, columns]
  std::vector<float> scales;  ///< [rows]
};

/// Rounds a row once: codes of -127 to 127 and their scale, its greatest magnitude / 127. Values
/// must be finite. @param codes  a code for each value.
float round_row(std::span<const float> row, int8_t* codes);

/// Codes of 8 bits with one scale per row and zero 128 are taken as they are. All else is rounded
/// once more: the scale is the row's greatest magnitude / 127 and each value is at most half a
/// scale off. kCorrupt when a value is not finite.
Result<Int8Matrix> to_w8(const QuantisedMatrix& matrix);

}  // namespace maie::formats
