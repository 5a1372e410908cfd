#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "search/whisper_rules.h"

/// Catches a decoder that says the same words over and over, while it still runs.
namespace maie::search {

/// When a repeated tail is a loop rather than speech. A run of text tokens (timestamps are looked
/// through) with period p is one when it holds at least `min_repeats` whole periods and
/// `min_tokens` tokens. "no no no no" survives; 32 times "no" does not. Text that trips this is
/// also far above the compression ratio of 2.4 that the quality gate refuses, so little is stopped
/// here that would have passed there, and nothing has to be decoded to its 224th token to find out.
struct RepetitionStop {
  bool enabled = true;  ///< false: decode exactly as the reference does
  int min_repeats = 4;
  int min_tokens = 32;
  int max_period = 40;  ///< longest repeated phrase looked for, in tokens
};

/// How many of `tokens` to keep when their tail is a loop: up to the end of its first round, with a
/// timestamp that directly follows. Nothing when there is no loop. Meant to be asked after each
/// token; asks in time proportional to max_period plus the length of the run.
std::optional<size_t> find_loop(std::span<const int> tokens, const TokenIds& ids,
                                const RepetitionStop& options);

}  // namespace maie::search
