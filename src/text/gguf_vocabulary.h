#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "formats/gguf.h"
#include "text/bpe_tokenizer.h"

namespace maie::text {

/// The vocabulary of a GGUF file, and what it says about a prompt's ends. Immutable, any thread.
struct GgufVocabulary {
  BpeTokenizer tokenizer;
  std::optional<int32_t> bos, eos, padding, unknown;
  /// Every token that ends an answer: eos, end of turn, end of message.
  std::vector<int32_t> ends;
  bool add_bos = false;  ///< a prompt begins with `bos`; encode itself never adds it
  bool add_eos = false;
  std::string chat_template;  ///< Jinja; empty when the file has none
};

/// Reads `tokenizer.ggml.*`: model "gpt2" (byte-level, with the pre-tokenizers gpt-2, qwen2,
/// llama-bpe, falcon, smollm and default) or "llama" (SentencePiece scores). Control tokens become
/// special added tokens, user-defined ones added tokens that decoding keeps; unused and padding
/// tokens keep their ids and never match. qwen2 text is brought to NFC first, as the models were
/// trained.
/// kUnsupported, with its name, for another model or pre-tokenizer; kCorrupt with the key.
Result<GgufVocabulary> read_gguf_vocabulary(const formats::Gguf& file);

}  // namespace maie::text
