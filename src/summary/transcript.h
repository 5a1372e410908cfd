#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace maie::summary {

/// Characters of a transcript that the stages take; an hour of speech has about 60,000.
inline constexpr size_t kMostCharacters = 8'000'000;

/// What one speaker says in one go, or one line of a text.
struct Turn {
  std::string speaker;  ///< display name, "S0"; empty: not known
  double start_s = 0;
  double end_s = 0;  ///< not after start_s: the times are not known
  std::string text;

  bool is_timed() const { return end_s > start_s; }
};

/// What is cleaned and summed up.
struct Transcript {
  std::vector<Turn> turns;
  bool lines = false;  ///< turns without speakers stand on lines of their own, not in one
};

/// A text, one turn for each line (also empty ones), so that to_text gives it back.
Transcript from_text(std::string_view text);

/// The text that models read: a line "S0: text" per turn where any speaker is known, else the turns
/// one behind the other (or line by line, see Transcript).
std::string to_text(const Transcript& transcript);

/// What stands between two turns in to_text: a line end or a space.
char between_turns(const Transcript& transcript);

/// A turn as a line of its own.
std::string line_of(const Turn& turn);

/// `text` fit for a prompt: valid UTF-8 (what is not, unpaired surrogates too, becomes U+FFFD),
/// NFC, LF line ends, other control characters turned into spaces.
std::string clean_characters(std::string_view text);

/// The transcript with each speaker and text put through clean_characters; of lines, no white space
/// at their ends and no blank ones around the text. kInvalidInput "Input text is empty or invalid"
/// when nothing but white space is in it, kResourceExhausted past
/// kMostCharacters.
Result<Transcript> prepared(const Transcript& transcript);

}  // namespace maie::summary
