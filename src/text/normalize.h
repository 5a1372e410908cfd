#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace maie::text {

/// Text as error rates compare it: NFC, lower case, apostrophes dropped inside words, other
/// punctuation and symbols turned into spaces, white space collapsed to single spaces.
std::string normalize_for_scoring(std::string_view text);

struct WordErrors {
  int64_t errors = 0;  ///< substitutions, insertions and deletions
  int64_t reference_words = 0;

  /// Errors per reference word. With an empty reference: 0 without errors, else 1 per inserted
  /// word.
  double rate() const;
};

/// Fewest word edits that turn `reference` into `hypothesis`, both normalised first.
/// Time is the product of their lengths; made for minutes, not for days, of speech.
WordErrors word_error_rate(std::string_view reference, std::string_view hypothesis);

}  // namespace maie::text
