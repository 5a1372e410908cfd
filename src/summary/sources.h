#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "summary/transcript.h"

namespace maie::summary {

/// Where something was said.
struct Passage {
  size_t first_turn = 0, last_turn = 0;
  double start_s = 0, end_s = 0;  ///< both 0 without times
  double score = 0;               ///< share of the words found there, rare ones count more
};

/// Finds the sentences of a transcript that an item of its summary was made from, by their common
/// words. Immutable; any thread may ask.
class PassageFinder {
 public:
  explicit PassageFinder(const Transcript& transcript);

  /// The best passage of at most three sentences within the turns [first_turn, last_turn], the
  /// earliest of equals; nothing when too few of the words are there (score below 0.35, or a single
  /// word of several).
  std::optional<Passage> find(std::string_view item, size_t first_turn, size_t last_turn) const;

 private:
  struct Sentence {
    size_t turn;
    double start_s, end_s;
    std::vector<int> words;  // sorted, once each
  };
  struct Wanted {
    std::vector<int> words;  // sorted; those that occur at all
    double total = 0;        // weight of all words, also of those that do not
    size_t count = 0;
  };
  Wanted wanted(std::string_view item) const;
  double weight(int word) const;
  double found(const std::vector<int>& words, size_t first, size_t last, size_t* count) const;

  std::vector<Sentence> sentences_;
  std::unordered_map<std::string, int> ids_;
  std::vector<std::vector<size_t>> places_;  // sentences of each word
};

}  // namespace maie::summary
