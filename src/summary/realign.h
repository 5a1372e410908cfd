#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace maie::summary {

/// A line that a model was given: "label: text", or the text alone.
struct LabelledLine {
  std::string label;
  std::string text;
};

/// Whether the words of `answer` are still those of `input`, but for case, punctuation and mended
/// words: kInvalidInput "the answer has ..." when it has lost or added more than a quarter of them
/// (and two), or when more than `most_changed` of the letters differ.
Status check_words(std::string_view input, std::string_view answer, double most_changed);

/// The text of each line after the model's corrections. Where the answer has the lines and labels
/// of the input, they are taken as they are; else its words are laid beside those of the input
/// (fewest edits) and cut where the lines end. A line that got no words keeps its own.
/// Fails as check_words does, for all lines together.
Result<std::vector<std::string>> realign(const std::vector<LabelledLine>& lines,
                                         std::string_view answer, double most_changed);

}  // namespace maie::summary
