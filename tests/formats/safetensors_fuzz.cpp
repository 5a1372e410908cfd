// libFuzzer: whatever the bytes, formats::Safetensors answers with tensors inside them or with a
// sentence.
#include <cstddef>
#include <cstdint>

#include "formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = maie::formats::Safetensors::parse(std::as_bytes(std::span(data, size)), "fuzz");
  if (!file) return 0;
  volatile uint8_t sum = 0;  // touch the ends of every view, for the address sanitizer
  for (const auto name : (*file)->names()) {
    if (const auto* tensor = (*file)->find(name)) {
      const size_t bytes = tensor->size_bytes();
      const auto* at = static_cast<const uint8_t*>(tensor->raw());
      if (bytes > 0) sum = uint8_t(sum + at[0] + at[bytes - 1]);
    }
  }
  return 0;
}
