#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace maie::whisper {

/// Every token of a model, index = id, special ones and timestamps included ("<|en|>", "<|0.00|>").
struct Vocabulary {
  std::vector<std::string> tokens;
  /// True: ordinary tokens are written in the byte-to-unicode form of byte-level BPE ("Ġthe").
  /// False: they are the raw bytes. Special tokens are plain text either way.
  bool byte_level_form = false;
  /// Ids below this are ordinary tokens. The special ones follow, beginning with <|endoftext|>.
  size_t ordinary = 0;
};

/// Names of the tokens that follow `ordinary` ones in a vocabulary of `size`, where a file leaves
/// them to their position: the published layouts, told apart by how many there are, and the bare
/// one of <|endoftext|>, <|startoftranscript|>, <|notimestamps|>; timestamps end each of them.
/// kUnsupported for any other number.
Result<std::vector<std::string>> implied_special_tokens(size_t size, size_t ordinary);

/// CTranslate2's vocabulary.json (an array of strings), or vocabulary.txt (one a line).
Result<Vocabulary> parse_vocabulary_json(std::string_view text, const std::string& where);
Result<Vocabulary> parse_vocabulary_text(std::string_view text, const std::string& where);

}  // namespace maie::whisper
