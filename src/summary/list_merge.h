#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"

namespace maie::summary {

/// A value of one part.
struct Given {
  size_t part;
  const Json* value;
};
using Givens = std::vector<Given>;

/// The words of an item, sorted, once each; those with digits also apart.
struct ItemWords {
  std::vector<std::string> all, numbers;
};

/// An item that was kept, and where it and those like it came from.
struct ListItem {
  Json value;
  ItemWords words;
  std::set<size_t> parts;
  size_t part = 0;   ///< first
  size_t place = 0;  ///< within that
};

/// The strings in a value, one behind the other.
std::string all_text(const Json& value);

/// Whether two items say nearly the same: three quarters of their words in common, the same
/// numbers; up to three words have to be the same.
bool nearly_same(const Json& a, const Json& b);

/// What a joined list has to keep.
struct ListRule {
  size_t least = 0;     ///< minItems; each list has as many
  bool unique = false;  ///< uniqueItems
};

/// The items of all lists in order, those that are nearly the same once, with the fewest nulls.
/// Numbers and what else has no text stand for themselves: they stay, also equal ones unless the
/// rule says `unique`. Where fewer than `least` would be left, repeated ones stay as well, equal
/// ones last.
std::vector<ListItem> without_repetitions(const Givens& lists, ListRule rule = {});

/// At most `most` of them, in order: the parts take turns, each with the item that most parts have.
std::vector<ListItem> fair_share(std::vector<ListItem> items, size_t most);

}  // namespace maie::summary
