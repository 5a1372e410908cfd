#include "search/language.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "search/row_math.h"

namespace maie::search {

std::vector<double> language_probabilities(std::span<const float> row,
                                           std::span<const int> language_ids) {
  std::vector<float> logits;
  for (const int id : language_ids) {
    check(id >= 0 && id < static_cast<int>(row.size()), "a language token must lie in the row");
    logits.push_back(row[id]);
  }
  const double sum = log_sum_exp(logits);
  std::vector<double> probabilities;
  for (const float logit : logits) probabilities.push_back(std::exp(logit - sum));
  return probabilities;
}

LanguageGuess vote_language(std::span<const std::vector<double>> windows, double threshold) {
  struct Tally {
    LanguageGuess guess;
    int votes = 0;
  };
  std::vector<Tally> tallies;  // in order of first appearance
  for (const std::vector<double>& window : windows) {
    if (window.empty()) continue;
    const auto best = std::max_element(window.begin(), window.end());
    const LanguageGuess guess{static_cast<int>(best - window.begin()), *best};
    if (guess.probability > threshold) return guess;
    const auto same = std::find_if(tallies.begin(), tallies.end(),
                                   [&](const Tally& t) { return t.guess.index == guess.index; });
    Tally& tally = same == tallies.end() ? tallies.emplace_back(Tally{guess, 0}) : *same;
    tally.guess.probability = std::max(tally.guess.probability, guess.probability);
    ++tally.votes;
  }
  const auto winner =
      std::max_element(tallies.begin(), tallies.end(),
                       [](const Tally& a, const Tally& b) { return a.votes < b.votes; });
  return winner == tallies.end() ? LanguageGuess{} : winner->guess;
}

}  // namespace maie::search
