// Any bytes through a small vocabulary with added tokens: decoding gives the text back.
#include <cstdlib>

#include "text/bpe_tokenizer.h"
#include "text/utf8.h"

namespace {

maie::text::BpeTokenizer make() {
  std::vector<std::string> tokens;
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  for (const char* more :
       {" t", "he", " the", "in", "ing", "  ", "    ", "aa", "aaaa", "\xE6\x97"}) {
    tokens.emplace_back(more);
  }
  const auto next = static_cast<int32_t>(tokens.size());
  auto tokenizer = maie::text::BpeTokenizer::from_ranked_tokens(
      std::move(tokens),
      {{.id = next, .content = "<|x|>"},
       {.id = next + 1, .content = "<|"},
       {.id = next + 2, .content = "n", .normalized = true, .single_word = true}});
  if (!tokenizer) std::abort();
  return *tokenizer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const maie::text::BpeTokenizer tokenizer = make();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto mode : {maie::text::AddedTokens::kMatch, maie::text::AddedTokens::kAsText}) {
    const auto ids = tokenizer.encode(text, mode);
    if (!ids || tokenizer.decode(*ids) != maie::text::repair_utf8(text)) std::abort();
  }
  return 0;
}
