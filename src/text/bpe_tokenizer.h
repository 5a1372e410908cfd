#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace maie::text {

/// A token that is found in the text as it stands, before anything is split (Hugging Face "added").
struct AddedToken {
  int32_t id = -1;
  std::string content;       ///< UTF-8
  bool special = true;       ///< left out by decode with skip_special
  bool normalized = false;   ///< looked for after normalisation rather than in the raw text
  bool single_word = false;  ///< only where no word character touches it
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< takes the white space behind it along
};

/// The split of GPT-2 and Whisper.
inline constexpr const char* kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// What surrounds the merging of bytes.
struct BpeOptions {
  std::vector<std::string> split_patterns = {kGpt2Pattern};  ///< applied one after the other
  bool nfc = false;                                          ///< bring text to Unicode form C first
  bool ignore_merges = false;           ///< a piece that is a token is taken whole
  std::optional<int32_t> unknown_id{};  ///< for a byte that has no token; otherwise it is dropped
};

/// What a scored vocabulary has beside tokens and scores.
struct ScoredOptions {
  bool space_prefix = true;  ///< a space before the text and behind each added token in it
  /// Ids of the tokens that stand for a byte each; -1 where there is none.
  std::array<int32_t, 256> byte_tokens = [] {
    std::array<int32_t, 256> none;
    none.fill(-1);
    return none;
  }();
  std::optional<int32_t> unknown_id{};  ///< for a byte that has no token; otherwise it is dropped
};

enum class AddedTokens {
  kMatch,   ///< "<|x|>" in the text becomes its token
  kAsText,  ///< text from a user stays text, whatever it spells
};

/// Byte-level byte-pair encoding (Sennrich et al. 2016 over bytes, as GPT-2 introduced it), and the
/// scored variant over characters. Ids and texts agree with Hugging Face tokenizers 0.23, with
/// tiktoken, and with llama.cpp's vectors. Immutable after load, any
/// thread; copies share the tables.
class BpeTokenizer {
 public:
  /// Ids are below this: no vocabulary we know is a quarter of it, and a file cannot make us
  /// allocate.
  static constexpr int32_t kMaxTokens = 1 << 20;

  /// A `tokenizer.json`: model BPE, pre-tokenizer ByteLevel or a sequence of Split(Regex) and
  /// ByteLevel, normalizer null or NFC, decoder ByteLevel. kUnsupported, naming the part, for
  /// anything that would make other ids; post-processor, truncation and padding are ignored.
  static Result<BpeTokenizer> from_tokenizer_json(std::string_view json_text);

  /// @param tokens  index = id, in the alphabet of byte_alphabet.h; empty strings are holes.
  /// @param merges  index = rank, "left right" in the same alphabet (GGUF, merges.txt).
  static Result<BpeTokenizer> from_vocabulary_and_merges(const std::vector<std::string>& tokens,
                                                         const std::vector<std::string>& merges,
                                                         std::vector<AddedToken> added = {},
                                                         BpeOptions options = {});

  /// @param token_bytes  index = id = merge rank (tiktoken, ggml). An empty string keeps its id and
  ///   never matches; of two equal ones the first is used.
  static Result<BpeTokenizer> from_ranked_tokens(std::vector<std::string> token_bytes,
                                                 std::vector<AddedToken> added = {},
                                                 BpeOptions options = {});

  /// SentencePiece's byte-pair model, as Llama 2 and GGUF's "llama" vocabularies have it:
  /// characters merge into whichever token scores best, what has no token is spelled in byte
  /// tokens, and text begins with a space that `decode` takes away again. NFC, patterns and merges
  /// play no part.
  /// @param tokens  index = id, U+2581 for a space; an empty string keeps its id and never matches.
  /// @param scores  of each token, finite; the greatest merges first.
  static Result<BpeTokenizer> from_scored_tokens(const std::vector<std::string>& tokens,
                                                 std::span<const float> scores,
                                                 std::vector<AddedToken> added = {},
                                                 ScoredOptions options = {});

  /// A `.tiktoken` file: "base64 rank" a line, ranks without gaps.
  static Result<BpeTokenizer> from_tiktoken(std::string_view file_text,
                                            std::vector<AddedToken> added = {},
                                            BpeOptions options = {});

  /// CTranslate2's `vocabulary.json` (an array) or `vocabulary.txt` (a token a line); index = id =
  /// rank. Entries that look like `<|name|>` become added tokens.
  static Result<BpeTokenizer> from_ct2_vocabulary(std::string_view file_text);

  /// Ids of `text`. Bytes that are not UTF-8 count as U+FFFD. Fails only when a split pattern
  /// explodes (kResourceExhausted); the pattern of GPT-2 does not.
  Result<std::vector<int32_t>> encode(std::string_view text,
                                      AddedTokens added = AddedTokens::kMatch) const;

  /// UTF-8 of `ids`, U+FFFD where their bytes are not valid. Ids outside the vocabulary add
  /// nothing. The space that a scored vocabulary puts before text is left out at the beginning.
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const;
  /// The bytes themselves: a token may end inside a character.
  std::string decode_bytes(std::span<const int32_t> ids, bool skip_special = false) const;

  /// Id of an added token by content, or of an ordinary token by its bytes.
  std::optional<int32_t> token_to_id(std::string_view token) const;
  /// Bytes of one token (content, for added ones); empty for holes and ids outside; of a scored
  /// vocabulary with spaces in place of U+2581. Lives as long as the tokenizer or a copy of it.
  std::string_view id_to_bytes(int32_t id) const;
  bool is_special(int32_t id) const;
  const std::vector<AddedToken>& added_tokens() const;

  /// One more than the largest id.
  int32_t size() const;

 private:
  struct Tables;
  struct Draft;
  static Result<BpeTokenizer> build(Draft draft);
  explicit BpeTokenizer(std::shared_ptr<const Tables> tables) : tables_(std::move(tables)) {}
  friend class TokenizerJsonReader;
  std::shared_ptr<const Tables> tables_;
};

}  // namespace maie::text
