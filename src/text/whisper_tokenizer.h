#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "text/bpe_tokenizer.h"

namespace maie::text {

enum class WhisperTask { kTranscribe, kTranslate };

/// A language the model can be told or can detect.
struct LanguageToken {
  std::string code;
  int32_t id;
};

/// A word (or, in scripts without spaces, a character) and the tokens that spell it.
struct WordTokens {
  std::string text;  ///< with its leading space
  std::vector<int32_t> tokens;
};

/// Whisper's vocabulary: ordinary tokens below eot, then named ones, then one timestamp each 20 ms.
/// Everything but eot and sot may be absent (small and fine-tuned models), and is lived without.
/// Immutable, any thread.
class WhisperTokenizer {
 public:
  static constexpr double kSecondsPerTimestamp = 0.02;
  static constexpr int32_t kTimestamps = 1501;  ///< <|0.00|> to <|30.00|>

  /// Special ids by name. kCorrupt without end-of-text and start-of-transcript.
  static Result<WhisperTokenizer> from_bpe(BpeTokenizer bpe);

  /// Vocabulary of a ggml file, whose special tokens mostly have no names: where they lie follows
  /// from the number of ordinary tokens and the size of the model's vocabulary.
  /// @param token_bytes      index = id = rank; names among them are used.
  /// @param vocabulary_size  rows of the model's token embedding.
  static Result<WhisperTokenizer> from_ranked_tokens(std::vector<std::string> token_bytes,
                                                     int32_t vocabulary_size);

  /// kCorrupt when the model has no row for some token, or is too large to be this tokenizer's.
  Status check_fits(int64_t model_vocabulary_size) const;

  int32_t eot() const { return eot_; }
  int32_t sot() const { return sot_; }
  std::optional<int32_t> translate() const { return translate_; }
  std::optional<int32_t> transcribe() const { return transcribe_; }
  std::optional<int32_t> start_of_lm() const { return start_of_lm_; }
  std::optional<int32_t> start_of_previous() const { return start_of_previous_; }
  std::optional<int32_t> no_speech() const { return no_speech_; }
  std::optional<int32_t> no_timestamps() const { return no_timestamps_; }
  /// Id of <|0.00|>; timestamps run from here to the end of the vocabulary.
  std::optional<int32_t> timestamp_begin() const { return timestamp_begin_; }
  /// One more than the largest id, timestamps included.
  int32_t vocabulary_size() const { return vocabulary_size_; }

  /// In the order of their ids. An English-only model may name languages too, and ignores them.
  const std::vector<LanguageToken>& languages() const { return languages_; }
  std::optional<int32_t> language_id(std::string_view code) const;
  std::optional<std::string> language_of(int32_t id) const;
  /// True when the prompt names language and task.
  bool is_multilingual() const { return multilingual_; }

  /// [sot, language, task], or [sot] where the model has one language and one task.
  /// kInvalidInput for a language this model does not have, kUnsupported when it cannot translate.
  Result<std::vector<int32_t>> sot_sequence(std::string_view language_code, WhisperTask task) const;

  /// Tokens of brackets, notes and other signs that are not spoken, ascending.
  const std::vector<int32_t>& non_speech_tokens() const { return non_speech_; }
  /// What is never sampled: `wanted`, in which -1 stands for the non-speech tokens, and the special
  /// tokens of the prompt. Ascending, each once; an empty `wanted` still gives the special ones.
  std::vector<int32_t> suppressed_tokens(std::span<const int32_t> wanted) const;
  /// What is not sampled first: eot, and the blank unless words of this vocabulary begin with it.
  const std::vector<int32_t>& blank_tokens() const { return blank_; }

  /// Ids of `text`; names of special tokens in it stay text, so that a prompt cannot command.
  Result<std::vector<int32_t>> encode(std::string_view text) const;
  /// Text of `ids`; those from eot on add nothing.
  std::string decode(std::span<const int32_t> ids) const;
  /// As decode, with timestamps written as <|1.08|>.
  std::string decode_with_timestamps(std::span<const int32_t> ids) const;

  /// Words of `ids` in order. Each is spelled by its own tokens; ids at the end that do not
  /// complete a character are left out, as in the reference. By characters for zh ja th lo my yue,
  /// else by spaces.
  std::vector<WordTokens> split_to_words(std::span<const int32_t> ids,
                                         std::string_view language_code) const;

  const BpeTokenizer& bpe() const { return bpe_; }

 private:
  explicit WhisperTokenizer(BpeTokenizer bpe) : bpe_(std::move(bpe)) {}
  Status find_specials();
  Status find_suppressed();
  std::vector<WordTokens> split_by_characters(std::span<const int32_t> ids) const;

  BpeTokenizer bpe_;
  int32_t eot_ = 0, sot_ = 0, vocabulary_size_ = 0;
  std::optional<int32_t> translate_, transcribe_, start_of_lm_, start_of_previous_, no_speech_,
      no_timestamps_, timestamp_begin_;
  std::vector<LanguageToken> languages_;
  bool multilingual_ = false;
  std::vector<int32_t> non_speech_, blank_;
};

}  // namespace maie::text
