// libFuzzer: the input as a GGUF file with a vocabulary; what loads encodes and decodes a text.
#include <cstdlib>

#include "text/gguf_vocabulary.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = maie::formats::Gguf::parse(std::as_bytes(std::span(data, size)), "fuzz");
  if (!file) return 0;
  const auto vocabulary = maie::text::read_gguf_vocabulary(**file);
  if (!vocabulary) {
    if (vocabulary.error().message().empty()) std::abort();
    return 0;
  }
  const auto ids =
      vocabulary->tokenizer.encode("It's 12 o'clock  <|im_end|>\n\xE1\xBB\x87 \xF0\x9F\x98\x80");
  if (ids) (void)vocabulary->tokenizer.decode(*ids);
  return 0;
}
