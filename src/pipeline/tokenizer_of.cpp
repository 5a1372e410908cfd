#include "pipeline/tokenizer_of.h"

#include "base/file.h"
#include "text/byte_alphabet.h"

namespace maie::pipeline {
namespace {

constexpr size_t kLargestTokenizerFile = 64 << 20;

}  // namespace

Result<text::WhisperTokenizer> tokenizer_of(const whisper::Weights& weights) {
  if (const auto path = weights.tokenizer_json_path()) {
    MAIE_ASSIGN(const std::string json, read_file(*path, kLargestTokenizerFile));
    Result<text::BpeTokenizer> bpe = text::BpeTokenizer::from_tokenizer_json(json);
    if (!bpe.has_value()) return bpe.error().within(*path);
    Result<text::WhisperTokenizer> tokenizer = text::WhisperTokenizer::from_bpe(std::move(*bpe));
    if (!tokenizer.has_value()) return tokenizer.error().within(*path);
    return tokenizer;
  }
  MAIE_ASSIGN(whisper::Vocabulary vocabulary, weights.vocabulary());
  // Ids of Whisper's vocabularies are merge ranks, so the list of tokens is all a tokenizer needs.
  std::vector<text::AddedToken> added;
  for (size_t id = vocabulary.ordinary; id < vocabulary.tokens.size(); ++id) {
    added.push_back({.id = int32_t(id), .content = vocabulary.tokens[id]});
  }
  vocabulary.tokens.resize(vocabulary.ordinary);
  if (vocabulary.byte_level_form) {
    for (std::string& token : vocabulary.tokens) {
      if (auto bytes = text::alphabet_to_bytes(token)) token = std::move(*bytes);
    }
  }
  MAIE_ASSIGN(text::BpeTokenizer bpe, text::BpeTokenizer::from_ranked_tokens(
                                          std::move(vocabulary.tokens), std::move(added)));
  return text::WhisperTokenizer::from_bpe(std::move(bpe));
}

}  // namespace maie::pipeline
