// Reads the input as each of the vocabulary files, and uses what loads.
#include <cstdlib>

#include "text/bpe_tokenizer.h"
#include "text/whisper_tokenizer.h"

using maie::text::BpeTokenizer;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  for (auto* read : {+[](std::string_view f) { return BpeTokenizer::from_tokenizer_json(f); },
                     +[](std::string_view f) { return BpeTokenizer::from_tiktoken(f); },
                     +[](std::string_view f) { return BpeTokenizer::from_ct2_vocabulary(f); }}) {
    auto tokenizer = read(file);
    if (!tokenizer) {
      if (tokenizer.error().message().empty()) std::abort();
      continue;
    }
    const auto ids = tokenizer->encode("It's 12 o'clock  <|endoftext|>\n");
    if (ids) (void)tokenizer->decode(*ids);
    const auto whisper = maie::text::WhisperTokenizer::from_bpe(std::move(*tokenizer));
    if (whisper && ids) (void)whisper->split_to_words(*ids, "en");
  }
  return 0;
}
