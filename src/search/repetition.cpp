#include "search/repetition.h"

#include <algorithm>
#include <vector>

namespace maie::search {

std::optional<size_t> find_loop(std::span<const int> tokens, const TokenIds& ids,
                                const RepetitionStop& options) {
  if (!options.enabled || tokens.empty() || !ids.is_text(tokens.back())) return std::nullopt;
  std::vector<size_t> places;  // of text tokens
  places.reserve(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (ids.is_text(tokens[i])) places.push_back(i);
  }
  const size_t size = places.size();
  for (size_t period = 1; period <= static_cast<size_t>(std::max(options.max_period, 0));
       ++period) {
    const size_t needed = std::max(period * static_cast<size_t>(std::max(options.min_repeats, 2)),
                                   static_cast<size_t>(std::max(options.min_tokens, 2)));
    if (needed > size) {
      if (period * 2 > size) break;
      continue;
    }
    size_t start = size - period;  // first text token of the run found so far
    while (start > 0 && tokens[places[start - 1]] == tokens[places[start - 1 + period]]) --start;
    if (size - start < needed) continue;
    size_t keep = places[start + period - 1] + 1;
    if (keep < tokens.size() && ids.is_timestamp(tokens[keep])) ++keep;
    return keep;
  }
  return std::nullopt;
}

}  // namespace maie::search
