#pragma once

#include <cstdint>
#include <cstring>

#include "tensor/tensor.h"

namespace maie::formats {

/// Word `index` of a tensor of int32, which may lie at any address.
inline uint32_t word(const ConstTensor& tensor, int64_t index) {
  uint32_t value;
  std::memcpy(&value, static_cast<const std::byte*>(tensor.raw()) + index * 4, 4);
  return value;
}

}  // namespace maie::formats
