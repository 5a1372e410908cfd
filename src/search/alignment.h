#pragma once

#include <cstddef>
#include <span>
#include <vector>

/// When each token was spoken, read off the decoder's cross-attention: some heads look at the frame
/// that is being written down. Their weights, cleaned up, give a matrix [tokens, frames] in which
/// the cheapest monotone path (dynamic time warping) says when. A frame is 20 ms. Pure functions.
namespace maie::search {

/// The attention of the alignment heads over one window, as the model hands it out.
struct AttentionScores {
  std::span<float> scores;  ///< [heads, tokens, frames] q.k scaled, before softmax; overwritten
  int heads = 0;
  int tokens = 0;  ///< of the whole teacher-forced input: sot sequence ... end of text
  int frames = 0;  ///< already cropped to the frames that hold audio
};

/// Softmax over frames, each frame normalised over tokens (mean 0, population deviation 1), median
/// of 7 along frames (mirrored at the borders, skipped up to 3 frames), mean over heads.
/// @return [row_count, frames]: the rows first_row.. of the result. For word times first_row is the
///         length of the sot sequence and row_count the number of text tokens + 1.
/// @throws ContractError when sizes do not fit.
std::vector<float> alignment_matrix(const AttentionScores& attention, int first_row, int row_count);

struct PathStep {
  int token = 0;
  int frame = 0;
};

/// The path from (0, 0) to (tokens-1, frames-1) with the largest sum of `matrix` [tokens, frames],
/// by steps to the next token, the next frame, or both. Of equal costs: the step to both only when
/// strictly best, then next token only when strictly best, else next frame.
std::vector<PathStep> best_path(std::span<const float> matrix, int tokens, int frames);

/// For each token of a path the time in seconds at which the path first reaches it.
std::vector<double> token_starts(std::span<const PathStep> path);

/// Median of 7 neighbours along a row, mirrored at its ends without repeating the end value.
/// `row` holds at least 4 values; `out` may not overlap it.
void median_filter_7(std::span<const float> row, std::span<float> out);

}  // namespace maie::search
