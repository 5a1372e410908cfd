#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "search/whisper_rules.h"

/// From the tokens of one window to segments with times, where the next window starts, and what it
/// is told about the text so far. Pure functions. Times are seconds from the start of the audio,
/// `seek` counts frames of 10 ms.
namespace maie::search {

struct TokenSegment {
  double start = 0;
  double end = 0;
  std::vector<int> tokens;  ///< timestamps included
};

struct SplitWindow {
  std::vector<TokenSegment> segments;
  int64_t seek = 0;                      ///< where the next window starts
  bool single_timestamp_ending = false;  ///< text, then one timestamp, then the end: all was heard
};

/// Cuts a window where two timestamps stand side by side.
/// @param seek  start of the window; @param size  its frames, at most 3000.
/// With such pairs, tokens after the last one belong to a sentence the window cut off: they are
/// dropped and the next window starts at its beginning (unless single_timestamp_ending). Without
/// pairs the window is one segment up to its last timestamp (to its end if it has none). The seek
/// always moves forward.
SplitWindow split_window(std::span<const int> tokens, const TokenIds& ids, int64_t seek, int size);

/// A stretch to transcribe, in frames.
struct SeekClip {
  int64_t begin = 0;
  int64_t end = 0;
};

/// Pairs of seconds to clips; none means everything, an odd count lets the last one run to the end.
std::vector<SeekClip> seek_clips(std::span<const double> seconds, int64_t content_frames);

/// What the sequential loop carries from window to window.
struct LoopState {
  int64_t seek = 0;
  std::vector<int> all_tokens;    ///< initial prompt, then what was emitted, timestamps included
  size_t prompt_reset_since = 0;  ///< the next prompt sees all_tokens from here on
  double last_speech = 0;         ///< end of the last word

  std::span<const int> previous() const {
    return std::span<const int>(all_tokens).subspan(prompt_reset_since);
  }
  void emit(std::span<const int> tokens) {
    all_tokens.insert(all_tokens.end(), tokens.begin(), tokens.end());
  }
  /// After a window: context is forgotten when it is not wanted, or when the window had to be
  /// decoded so hot that it would mislead the next one.
  void close_window(bool condition_on_previous_text, double temperature,
                    double reset_above_temperature = 0.5) {
    if (!condition_on_previous_text || temperature > reset_above_temperature) {
      prompt_reset_since = all_tokens.size();
    }
  }
};

struct PromptParts {
  std::span<const int> previous = {};  ///< LoopState::previous(); its last 223 tokens are used
  std::span<const int> hotwords =
      {};  ///< encoded " " + words; first 223, and only without a prefix
  std::span<const int> sot_sequence = {};  ///< [sot, language, task], or [sot]
  std::span<const int> prefix = {};        ///< encoded " " + text, for the first window; first 223
  bool without_timestamps = false;
  int max_length = 448;
};

/// The prompt of one window: [start of previous, hotwords, previous], sot sequence,
/// [no timestamps], [first timestamp, prefix]. Tokens the model lacks (-1) are left out, and with a
/// missing "start of previous" all that would follow it. Where the reference would overrun the
/// context (full hotwords and full previous text), the oldest previous text, then the last
/// hotwords, give way so that at least 32 tokens can be said.
std::vector<int> build_prompt(const PromptParts& parts, const TokenIds& ids);

}  // namespace maie::search
