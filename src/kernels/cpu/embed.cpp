#include "kernels/cpu/embed.h"

namespace maie::cpu {
namespace {

template <class Elem>
void add_row_of(const Elem* row, float factor, const float* position, int64_t C, float* y) {
  if (position == nullptr) {
    for (int64_t c = 0; c < C; ++c) y[c] = float(row[c]) * factor;
  } else {
    for (int64_t c = 0; c < C; ++c) y[c] = float(row[c]) * factor + position[c];
  }
}

}  // namespace

void embed(std::span<const int> ids, std::span<const int> position_of, ConstTensor values,
           ConstTensor scales, const float* positions, int64_t C, float* y) {
  for (size_t r = 0; r < ids.size(); ++r, y += C) {
    const int64_t start = int64_t{ids[r]} * C;
    const float* position =
        positions != nullptr ? positions + int64_t{position_of[r]} * C : nullptr;
    switch (values.dtype()) {
      case DType::kF32: add_row_of(values.data<float>() + start, 1.0f, position, C, y); break;
      case DType::kF16: add_row_of(values.data<Half>() + start, 1.0f, position, C, y); break;
      case DType::kBF16: add_row_of(values.data<BFloat16>() + start, 1.0f, position, C, y); break;
      case DType::kI8:
        add_row_of(values.data<int8_t>() + start, 1.0f / scales.data<float>()[ids[r]], position, C,
                   y);
        break;
      default: check(false, "embedding tables are float32, float16, bfloat16 or int8");
    }
  }
}

}  // namespace maie::cpu
