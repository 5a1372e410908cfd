#include "formats/quantised_matrix.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "tensor/dtype.h"

namespace maie::formats {
namespace {

float load_half(const std::byte* at) {
  Half half;
  std::memcpy(&half.bits, at, sizeof half.bits);
  return float(half);
}

// 16 bytes whose low nibbles are values 0..15 and high nibbles 16..31, as neighbours in one byte.
void pair_nibbles(const std::byte* nibbles, uint8_t* codes) {
  for (int i = 0; i < 8; ++i) {
    const int first = int(nibbles[2 * i]), second = int(nibbles[2 * i + 1]);
    codes[i] = uint8_t((first & 15) | (second & 15) << 4);
    codes[i + 8] = uint8_t(first >> 4 | (second >> 4) << 4);
  }
}

template <bool kMinimum>
void q4_block(const std::byte* block, CodeRows to) {
  to.scales[0] = load_half(block);
  to.zeros[0] = kMinimum ? load_half(block + 2) : 8.0f;
  pair_nibbles(block + (kMinimum ? 4 : 2), to.codes);
}

template <bool kMinimum>
void q5_block(const std::byte* block, CodeRows to) {
  to.scales[0] = load_half(block);
  to.zeros[0] = kMinimum ? load_half(block + 2) : 16.0f;
  block += kMinimum ? 4 : 2;
  uint32_t fifth = 0;
  std::memcpy(&fifth, block, sizeof fifth);
  for (int i = 0; i < 16; ++i) {
    const int byte = int(block[4 + i]);
    to.codes[i] = uint8_t((byte & 15) | ((fifth >> i) & 1) << 4);
    to.codes[i + 16] = uint8_t(byte >> 4 | ((fifth >> (i + 16)) & 1) << 4);
  }
}

void q8_0_block(const std::byte* block, CodeRows to) {
  to.scales[0] = load_half(block);
  to.zeros[0] = 128.0f;
  for (int i = 0; i < 32; ++i) to.codes[i] = uint8_t(int(int8_t(block[2 + i])) + 128);
}

// d times a 6-bit scale is exact in float, and so is dmin times a 6-bit minimum.
void k_scales(const std::byte* block, CodeRows to) {
  const float d = load_half(block);
  const float dmin = load_half(block + 2);
  const KScales packed = unpack_k_scales(block + 4);
  for (size_t part = 0; part < 8; ++part) {
    to.scales[part] = d * float(packed.scale[part]);
    to.zeros[part] = -(dmin * float(packed.minimum[part]));
  }
}

void q4_k_block(const std::byte* block, CodeRows to) {
  k_scales(block, to);
  const std::byte* nibbles = block + 16;
  for (int pair = 0; pair < 4; ++pair, nibbles += 32, to.codes += 32) {
    for (int i = 0; i < 16; ++i) {
      const int first = int(nibbles[2 * i]), second = int(nibbles[2 * i + 1]);
      to.codes[i] = uint8_t((first & 15) | (second & 15) << 4);
      to.codes[i + 16] = uint8_t(first >> 4 | (second >> 4) << 4);
    }
  }
}

void q5_k_block(const std::byte* block, CodeRows to) {
  k_scales(block, to);
  const std::byte* fifths = block + 16;
  const std::byte* nibbles = block + 48;
  for (int part = 0; part < 8; ++part, to.codes += 32) {
    for (int i = 0; i < 32; ++i) {
      const int low = (int(nibbles[part / 2 * 32 + i]) >> (4 * (part % 2))) & 15;
      to.codes[i] = uint8_t(low | ((int(fifths[i]) >> part) & 1) << 4);
    }
  }
}

void q6_k_block(const std::byte* block, CodeRows to) {
  const float d = load_half(block + 208);
  for (int i = 0; i < 16; ++i) {
    to.scales[i] = d * float(int8_t(block[192 + i]));
    to.zeros[i] = 32.0f;
  }
  for (int part = 0; part < 8; ++part, to.codes += 32) {
    const int half = part / 4, quarter = part % 4;
    const std::byte* nibbles = block + 64 * half + 32 * (quarter % 2);
    const std::byte* high = block + 128 + 32 * half;
    for (int i = 0; i < 32; ++i) {
      const int low = (int(nibbles[i]) >> (quarter < 2 ? 0 : 4)) & 15;
      to.codes[i] = uint8_t(low | ((int(high[i]) >> (2 * quarter)) & 3) << 4);
    }
  }
}

struct Form {
  int bits = 0;
  int64_t group = 32;
  QuantisedMatrix::Zero zero = QuantisedMatrix::Zero::kCode;
  void (*block)(const std::byte*, CodeRows) = nullptr;
};

Form form_of(BlockType type) {
  constexpr auto kValue = QuantisedMatrix::Zero::kValue;
  constexpr auto kCode = QuantisedMatrix::Zero::kCode;
  switch (type) {
    case BlockType::kQ4_0: return {4, 32, kCode, q4_block<false>};
    case BlockType::kQ4_1: return {4, 32, kValue, q4_block<true>};
    case BlockType::kQ4_K: return {4, 32, kValue, q4_k_block};
    case BlockType::kQ5_0: return {5, 32, kCode, q5_block<false>};
    case BlockType::kQ5_1: return {5, 32, kValue, q5_block<true>};
    case BlockType::kQ5_K: return {5, 32, kValue, q5_k_block};
    case BlockType::kQ8_0: return {8, 32, kCode, q8_0_block};
    case BlockType::kQ6_K: return {6, 16, kCode, q6_k_block};
    case BlockType::kF32:
    case BlockType::kF16:
    case BlockType::kBF16: break;
  }
  return {};
}

bool all_finite(const std::vector<float>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); });
}

bool is_w8_already(const QuantisedMatrix& matrix) {
  return matrix.bits == 8 && matrix.groups() == 1 && matrix.zero == QuantisedMatrix::Zero::kCode &&
         std::all_of(matrix.zeros.begin(), matrix.zeros.end(), [](float z) { return z == 128; });
}

// The codes of one group, as floats.
void unpack_codes(const QuantisedMatrix& matrix, int64_t row, int64_t column, float* out) {
  const uint8_t* codes = matrix.codes.data() + row * matrix.row_bytes();
  if (matrix.bits != 4) {
    for (int64_t i = 0; i < matrix.group; ++i) out[i] = float(codes[column + i]);
  } else if (matrix.group % 2 == 0) {
    for (int64_t i = 0; i < matrix.group / 2; ++i) {
      const int pair = codes[column / 2 + i];
      out[2 * i] = float(pair & 15);
      out[2 * i + 1] = float(pair >> 4);
    }
  } else {
    for (int64_t i = 0; i < matrix.group; ++i) out[i] = float(matrix.code(row, column + i));
  }
}

}  // namespace

int64_t w4_group(const QuantisedMatrix& form) {
  for (const int64_t size : {128, 64, 32, 16}) {
    if (form.group % size == 0 && (size > 16 || form.bits == 6)) return size;
  }
  return 0;
}

StoredLayout best_layout(const QuantisedMatrix& matrix) {
  if (matrix.bits == 8 || w4_group(matrix) == 0) return StoredLayout::kW8;
  return matrix.bits == 4 ? StoredLayout::kW4 : StoredLayout::kW6;
}

StoredLayout best_layout(BlockType type) {
  const Form form = form_of(type);
  if (form.bits == 0) return StoredLayout::kDense;
  return form.bits == 4   ? StoredLayout::kW4
         : form.bits == 8 ? StoredLayout::kW8
                          : StoredLayout::kW6;
}

QuantisedMatrix form_of_blocks(BlockType type, int64_t rows, int64_t columns) {
  const Form form = form_of(type);
  check(form.bits != 0, "a quantised block type");
  check(rows >= 0 && columns > 0 && columns % int64_t(block_values(type)) == 0,
        "rows of whole blocks");
  return {.rows = rows,
          .columns = columns,
          .bits = form.bits,
          .group = form.group,
          .zero = form.zero,
          .codes = {},
          .scales = {},
          .zeros = {}};
}

Status read_blocks(BlockType type, std::span<const std::byte> bytes, CodeRows to) {
  const Form form = form_of(type);
  const auto per_block = int64_t(block_values(type));
  const int64_t groups = per_block / form.group;
  bool finite = true;
  for (size_t at = 0; at < bytes.size(); at += block_bytes(type)) {
    form.block(bytes.data() + at, {to.codes, to.scales, to.zeros});
    for (int64_t g = 0; g < groups; ++g) {
      finite = finite && std::isfinite(to.scales[g]) && std::isfinite(to.zeros[g]);
    }
    to.codes += form.bits == 4 ? per_block / 2 : per_block;
    to.scales += groups;
    to.zeros += groups;
  }
  return finite ? Status() : corrupt("a scale is no finite number; fetch the file again");
}

QuantisedMatrix with_room(const QuantisedMatrix& form, int64_t rows) {
  QuantisedMatrix matrix = form;
  matrix.rows = rows;
  matrix.codes.resize(size_t(rows * matrix.row_bytes()));
  matrix.scales.resize(size_t(rows * matrix.groups()));
  matrix.zeros.resize(matrix.scales.size());
  return matrix;
}

Result<QuantisedMatrix> from_blocks(BlockType type, std::span<const std::byte> bytes, int64_t rows,
                                    int64_t columns) {
  const QuantisedMatrix form = form_of_blocks(type, rows, columns);
  check(bytes.size() == size_t(rows * (columns / int64_t(block_values(type)))) * block_bytes(type),
        "as many blocks as values");
  QuantisedMatrix out = with_room(form, rows);
  MAIE_TRY(read_blocks(type, bytes, {out.codes.data(), out.scales.data(), out.zeros.data()}));
  return out;
}

void dequantize(const QuantisedMatrix& matrix, int64_t first, int64_t count,
                std::span<float> values) {
  check(first >= 0 && count >= 0 && first + count <= matrix.rows, "rows of the matrix");
  check(values.size() == size_t(count * matrix.columns), "room for each value");
  float* out = values.data();
  for (int64_t row = first; row < first + count; ++row) {
    for (int64_t g = 0; g < matrix.groups(); ++g, out += matrix.group) {
      const auto at = size_t(row * matrix.groups() + g);
      unpack_codes(matrix, row, g * matrix.group, out);
      const float scale = matrix.scales[at], zero = matrix.zeros[at];
      if (matrix.zero == QuantisedMatrix::Zero::kValue) {
        for (int64_t i = 0; i < matrix.group; ++i) out[i] = out[i] * scale + zero;
      } else {
        for (int64_t i = 0; i < matrix.group; ++i) out[i] = (out[i] - zero) * scale;
      }
    }
  }
}

Result<QuantisedMatrix> to_w4(QuantisedMatrix matrix) {
  const int64_t group = w4_group(matrix);
  if (matrix.bits != 4 || group == 0) {
    return unsupported("codes of " + std::to_string(matrix.bits) + " bits in groups of " +
                       std::to_string(matrix.group) +
                       " do not fit 4 bits in groups of 32, 64 or 128; choose int8");
  }
  const auto times = size_t(matrix.group / group);
  if (times == 1) return matrix;
  const auto repeat = [&](const std::vector<float>& from) {
    std::vector<float> to;
    to.reserve(from.size() * times);
    for (const float x : from) to.insert(to.end(), times, x);
    return to;
  };
  matrix.scales = repeat(matrix.scales);
  matrix.zeros = repeat(matrix.zeros);
  matrix.group = group;
  return matrix;
}

// Written so that the compiler can vectorise it: magnitudes compare as whole numbers, and one
// reciprocal takes the place of a division for each value (which moves only ties).
float round_row(std::span<const float> row, int8_t* codes) {
  uint32_t most = 0;
  for (const float value : row) {
    most = std::max(most, std::bit_cast<uint32_t>(value) & 0x7fffffffu);
  }
  const float scale = std::bit_cast<float>(most) / 127;
  if (scale < 1e-30f) {  // all zero, or so small that the reciprocal is none
    std::fill_n(codes, row.size(), int8_t{0});
    return 0;
  }
  const float back = 1 / scale;
  for (size_t c = 0; c < row.size(); ++c) {
    const float code = row[c] * back;
    codes[c] = int8_t(int(code + std::copysign(0.5f, code)));  // to nearest, halves away from 0
  }
  return scale;
}

Result<Int8Matrix> to_w8(const QuantisedMatrix& matrix) {
  Int8Matrix out{.rows = matrix.rows, .columns = matrix.columns, .codes = {}, .scales = {}};
  out.codes.resize(size_t(matrix.rows * matrix.columns));
  if (is_w8_already(matrix)) {
    out.scales = matrix.scales;
    std::transform(matrix.codes.begin(), matrix.codes.end(), out.codes.begin(),
                   [](uint8_t code) { return int8_t(int(code) - 128); });
    return out;
  }
  out.scales.resize(size_t(matrix.rows));
  std::vector<float> row(size_t(matrix.columns));
  for (int64_t r = 0; r < matrix.rows; ++r) {
    dequantize(matrix, r, 1, row);
    if (!all_finite(row)) return corrupt("a value is no finite number; fetch the file again");
    out.scales[size_t(r)] = round_row(row, out.codes.data() + r * matrix.columns);
  }
  return out;
}

}  // namespace maie::formats
