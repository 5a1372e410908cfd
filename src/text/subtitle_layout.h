#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/subtitles.h"

namespace maie::text {

/// The smallest thing a line may end behind: a word, or a character of a script without spaces.
struct LayoutUnit {
  std::string text;  ///< clean, without surrounding space
  int64_t start_ms = 0, end_ms = 0;
  int width = 0;             ///< on the display
  bool spaced = false;       ///< a space stands before it
  bool starts_word = false;  ///< the first unit of a word
  bool breakable = false;    ///< a line may begin with it
};

/// A cue as it will be written.
struct LayoutCue {
  int64_t start_ms = 0, end_ms = 0;
  std::string speaker;  ///< clean, one line
  std::vector<LayoutUnit> units;
  std::vector<size_t> line_starts;  ///< index of the first unit of each line; {0} for one line
  bool timed_words = false;         ///< unit times were measured, not interpolated
};

/// Clean text of a cue or name: valid UTF-8, single spaces, no control characters, no "-->".
std::string clean_cue_text(std::string_view text);

/// Columns `text` takes, by grapheme cluster.
int display_width(std::string_view text);

enum class LayoutMode { kWhole, kSplit, kSplitPrefixed };

/// Cleaned, sorted, non-overlapping cues. kWhole keeps each as one line; kSplit obeys the options;
/// kSplitPrefixed also counts "Name: " into the first line.
std::vector<LayoutCue> lay_out(std::span<const Cue> cues, const SubtitleOptions& options,
                               LayoutMode mode);

}  // namespace maie::text
