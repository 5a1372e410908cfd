#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "search/alignment.h"

/// Words with times: from token times to words, then the corrections that make them usable. Pure
/// functions, in the order a window goes through them:
///
///     words  = time_words(path, runs, text_probs);        // times within the window
///     limits = limit_durations(words);
///     merge_punctuation(words);
///     end    = attach_words(words, limits, last_speech, segments);   // absolute, rounded
///     judge_silence(...)                                   // only where a threshold was set
namespace maie::search {

/// A word as the tokenizer splits it: its text (leading space included) and how many tokens it
/// takes.
struct WordTokens {
  std::string text;
  std::vector<int> tokens;
};

struct TimedWord {
  std::string text;  ///< empty: glued to a neighbour, to be skipped on output
  std::vector<int> tokens;
  double start = 0;  ///< seconds
  double end = 0;
  double probability = 0;  ///< mean over the tokens
  double duration() const { return end - start; }
};

/// How likely the text token `token` was at a position of the alignment pass: softmax over the ids
/// below `eot` only. @param row  [V] raw logits at that position.
float text_probability(std::span<const float> row, int token, int eot);

/// Times of words from an alignment path.
/// @param path        over rows "text tokens + 1".
/// @param words       the words of the window's text, the "end of text" word not among them.
/// @param text_probs  one probability per text token.
/// @return empty when there is no word or no path.
/// @throws ContractError when words, probabilities and path disagree about the number of tokens.
std::vector<TimedWord> time_words(std::span<const PathStep> path, std::span<const WordTokens> words,
                                  std::span<const float> text_probs);

struct DurationLimits {
  double median = 0;   ///< of the durations above 0, at most 0.7 s; 0 when there is none
  double longest = 0;  ///< twice the median: words beyond it are suspect
};

/// Measures the limits and cuts too long words beside the end of a sentence: a pause was counted as
/// part of the full stop or of the word after it.
DurationLimits limit_durations(std::vector<TimedWord>& words);

inline constexpr std::string_view kPrependPunctuation = "\"'“¿([{-";
inline constexpr std::string_view kAppendPunctuation = "\"'.。,，!！?？:：”)]}、";

/// Glues opening punctuation to the word behind it and closing punctuation to the word before it.
/// Words that lost their text stay in the list with no tokens; times do not change.
void merge_punctuation(std::vector<TimedWord>& words,
                       std::string_view prepend = kPrependPunctuation,
                       std::string_view append = kAppendPunctuation);

struct TimedSegment {
  double start = 0;  ///< seconds from the start of the audio
  double end = 0;
  int64_t seek = 0;        ///< start of its window in frames of 10 ms
  size_t text_tokens = 0;  ///< how many of its tokens are text
  std::vector<TimedWord> words;
};

/// Gives the words of a window to its segments by counting tokens, makes their times absolute
/// (rounded to 0.01 s), shortens first words that swallowed a pause, and reconciles the borders of
/// segments with those of their words.
/// @param last_speech  end of the last segment with words so far.
/// @return the new last_speech.
double attach_words(std::span<const TimedWord> words, const DurationLimits& limits,
                    double last_speech, std::span<TimedSegment> segments);

/// The window judge_silence looks at.
struct WindowPlace {
  int64_t seek = 0;            ///< of this window, frames of 10 ms
  int size = 0;                ///< frames of audio in it
  int64_t content_frames = 0;  ///< frames of the whole audio
};

struct SilenceVerdict {
  std::optional<int64_t> seek;  ///< where to go on, when something was cut
  size_t keep = 0;              ///< how many segments stay
  bool drop_window = false;     ///< leave at once: nothing stays, last_speech does not move
};

/// Looks for words invented over silence: improbable or oddly long words surrounded by more than
/// `threshold_s` of nothing.
/// @param last_speech  as it was before this window.
SilenceVerdict judge_silence(std::span<const TimedSegment> segments, const WindowPlace& window,
                             double threshold_s, double last_speech,
                             std::string_view punctuation = "\"'“¿([{-\"'.。,，!！?？:：”)]}、");

/// How suspicious one word is: unlikely, too short or too long.
double word_anomaly(const TimedWord& word);

}  // namespace maie::search
