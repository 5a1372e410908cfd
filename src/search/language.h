#pragma once

#include <span>
#include <vector>

/// Which language is spoken, from the logits after a lone "start of transcript". Pure functions.
namespace maie::search {

/// Softmax over the language tokens only.
/// @param row           [V] raw logits. @param language_ids  ids of the language tokens.
/// @return one probability per id, in their order; empty for no ids.
/// @throws ContractError for an id outside the row.
std::vector<double> language_probabilities(std::span<const float> row,
                                           std::span<const int> language_ids);

struct LanguageGuess {
  int index = -1;  ///< into the language ids; -1 when there was nothing to guess from
  double probability = 0;
};

/// Decides from one or more windows: the first whose best language is likelier than `threshold`
/// wins; otherwise the language that is best most often (the earlier seen of equals), with the
/// highest probability it reached.
/// @param windows  results of language_probabilities, all of one length, in order of time.
LanguageGuess vote_language(std::span<const std::vector<double>> windows, double threshold = 0.5);

}  // namespace maie::search
