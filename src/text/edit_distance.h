#pragma once

#include <cstdint>
#include <string_view>

namespace maie::text {

/// Fewest insertions, deletions and substitutions of single code points that turn `a` into `b`
/// (Levenshtein), case-sensitive. Invalid UTF-8 counts as U+FFFD. Bit-parallel (Myers 1999 in
/// Hyyrö's form of 2003, "A bit-vector algorithm for computing Levenshtein and Damerau edit
/// distances"): 64 rows of the matrix at a time, memory linear in the lengths, time their product
/// over 64, less what the texts share at both ends.
int64_t edit_distance(std::string_view a, std::string_view b);

/// The distance over the length of the longer text, in code points: 0 when both are empty, 1 when
/// one is.
double edit_rate(int64_t distance, std::string_view a, std::string_view b);

/// Code points of `text`.
int64_t count_code_points(std::string_view text);

}  // namespace maie::text
