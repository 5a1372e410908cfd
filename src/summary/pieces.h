#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "summary/transcript.h"

namespace maie::summary {

/// A stretch of one turn. The stretches of a turn, each with the white space in front of it, make
/// up its text again.
struct Fragment {
  size_t turn = 0;
  bool first = true;  ///< of its turn
  std::string space;  ///< white space between it and the one before, of the same turn
  std::string text;
  double start_s = 0, end_s = 0;  ///< by the share of its characters; both 0 without times
  int64_t tokens = 0;             ///< of its line, roughly
};

/// Tokens of a text.
using TokenCount = std::function<Result<int64_t>(std::string_view text)>;

/// The sentences of a text without the white space between them, as positions [start, end): cut
/// behind . ? ! … and their like with white space after, and at line ends. A stretch of more than
/// `most` bytes without such an end is cut at white space, or between characters where there is
/// none.
struct Span {
  size_t start = 0, end = 0;
};
std::vector<Span> sentences(std::string_view text, size_t most);

/// The turns, each whole where it has at most `most_tokens` tokens, else in runs of sentences of as
/// many.
Result<std::vector<Fragment>> fragments(const Transcript& transcript, int64_t most_tokens,
                                        const TokenCount& count);

/// Fragments [first, last).
struct Range {
  size_t first = 0, last = 0;
};

/// Runs of fragments of about the same size, none of more than `most_tokens` tokens (unless one
/// fragment has); as few as that takes.
std::vector<Range> packed(const std::vector<Fragment>& fragments, int64_t most_tokens);

/// The same runs, each but the first reaching back over the last fragments of the run before it, at
/// least one and as many as `overlap_tokens` hold, but never all of it.
std::vector<Range> overlapping(const std::vector<Fragment>& fragments, std::vector<Range> ranges,
                               int64_t overlap_tokens);

/// A run in two of about the same size, the second reaching back over the end of the first as in
/// overlapping() by `overlap` of all tokens. Cut where a turn begins, unless none does in the
/// middle half, then within a turn. Nothing for a run of one fragment or of fewer than
/// `least_tokens` tokens.
std::vector<Range> halves(const std::vector<Fragment>& fragments, Range range, int64_t least_tokens,
                          double overlap);

/// The text of a run, laid out as to_text lays out the transcript; a turn that goes on from the run
/// before has its speaker's label again.
std::string text_of(const Transcript& transcript, const std::vector<Fragment>& fragments,
                    Range range);

}  // namespace maie::summary
