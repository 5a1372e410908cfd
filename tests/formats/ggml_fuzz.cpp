// libFuzzer: whatever the bytes, formats::GgmlFile answers with tensors inside them or with a
// sentence.
#include <cstddef>
#include <cstdint>

#include "formats/ggml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = maie::formats::GgmlFile::parse(std::as_bytes(std::span(data, size)), "fuzz");
  if (!file) return 0;
  volatile uint8_t sum = 0;  // touch the ends of every view, for the address sanitizer
  for (const auto name : (*file)->names()) {
    if (const auto* tensor = (*file)->find(name)) {
      const auto bytes = tensor->bytes;
      if (!bytes.empty()) sum = uint8_t(sum + uint8_t(bytes.front()) + uint8_t(bytes.back()));
    }
  }
  return 0;
}
