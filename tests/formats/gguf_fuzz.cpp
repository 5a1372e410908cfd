// libFuzzer: whatever the bytes, formats::Gguf answers with values and tensors inside them or with
// a sentence.
#include <cstddef>
#include <cstdint>

#include "formats/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = maie::formats::Gguf::parse(std::as_bytes(std::span(data, size)), "fuzz");
  if (!file) return 0;
  volatile uint8_t sum = 0;  // touch the ends of every view, for the address sanitizer
  const auto touch = [&](std::span<const std::byte> bytes) {
    if (!bytes.empty()) sum = uint8_t(sum + uint8_t(bytes.front()) + uint8_t(bytes.back()));
  };
  for (const auto name : (*file)->names()) touch((*file)->find(name)->bytes);
  for (const auto key : (*file)->keys()) {
    touch((*file)->find_value(key)->bytes);
    (void)(*file)->integer(key);
    (void)(*file)->number(key);
    (void)(*file)->boolean(key);
    (void)(*file)->numbers(key);
    if (const auto list = (*file)->strings(key)) {
      for (const auto text : *list) touch(std::as_bytes(std::span(text.data(), text.size())));
    }
  }
  return 0;
}
