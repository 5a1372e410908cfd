#pragma once

#include <span>
#include <vector>

#include "search/word_times.h"

namespace maie::pipeline {

/// Words [first, last) of a window that make one segment.
struct WordRange {
  size_t first = 0;
  size_t last = 0;
};

/// Cuts the timed words of a window into segments one can read: after the end of a sentence, at a
/// pause of more than 1 s, and, where neither comes for 15 s, at the longest pause of that stretch.
/// Empty words (glued to a neighbour) stay with the word before them.
std::vector<WordRange> sentences_of(std::span<const search::TimedWord> words);

}  // namespace maie::pipeline
