#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "base/json.h"
#include "base/status.h"

namespace maie::summary {

/// Phrases that models are known to make up. Immutable once filled; any thread may ask.
class HallucinationList {
 public:
  /// Adds the phrases of a file {"exact": ["...", ...], ...}; other members are ignored. kCorrupt
  /// or kInvalidInput names `where`.
  Status add(std::string_view json, const std::string& where);

  /// Whether the whole of `text` is such a phrase, whatever its case and white space.
  bool contains(std::string_view text) const;
  size_t size() const { return phrases_.size(); }

  /// `text`, or nothing when the whole of it is such a phrase.
  std::string filter(std::string text) const;
  /// Takes them out of the top level of a summary: such strings become null, such items of lists
  /// go.
  /// @return whether anything changed; then the summary has to be validated again.
  bool sanitise(Json& summary) const;

 private:
  std::unordered_set<std::string> phrases_;  // folded
};

}  // namespace maie::summary
