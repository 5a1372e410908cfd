#include "formats/dense.h"

#include "base/check.h"

namespace maie::formats {

bool is_dense_float(DType type) {
  return type == DType::kF32 || type == DType::kF16 || type == DType::kBF16;
}

BlockType block_type_of(DType type) {
  check(is_dense_float(type), "weights of float32, float16 or bfloat16");
  return type == DType::kF32   ? BlockType::kF32
         : type == DType::kF16 ? BlockType::kF16
                               : BlockType::kBF16;
}

DType dense_type_of(BlockType type) {
  switch (type) {
    case BlockType::kF32: return DType::kF32;
    case BlockType::kF16: return DType::kF16;
    case BlockType::kBF16: return DType::kBF16;
    default: check(false, "a type of plain numbers");
  }
  return DType::kF32;
}

void to_float32(ConstTensor from, std::span<float> out) {
  dequantize(block_type_of(from.dtype()),
             {static_cast<const std::byte*>(from.raw()), from.size_bytes()}, out);
}

OwnedTensor float_copy(ConstTensor from) {
  OwnedTensor copy({}, DType::kF32, from.shape());
  to_float32(from, copy.view().span<float>());
  return copy;
}

}  // namespace maie::formats
