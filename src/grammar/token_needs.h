#pragma once

#include <vector>

#include "grammar/machine.h"
#include "grammar/token_trie.h"

namespace maie::grammar {

/// How many tokens surely suffice to finish a document. An upper bound that can always be met: from
/// every reading some token exists that lowers it by at least one. Fixed texts (keys, brackets)
/// are counted in the fewest tokens of the vocabulary, values apart from what stands around them;
/// inside strings every byte counts as one token. Immutable, any thread.
class TokenNeeds {
 public:
  TokenNeeds(const Grammar& grammar, const TokenTrie& trie);

  /// For the reading whose top is `frame`; remembered in the frames.
  uint64_t of(Machine& machine, uint32_t frame) const;
  /// The least over all readings.
  uint64_t of(Machine& machine, const Tops& tops) const;
  /// Of a whole document.
  uint64_t document() const { return whole_[grammar_.root()]; }

 private:
  uint64_t own(const Frame& frame) const;
  uint64_t items(const Node& node, uint32_t from) const;
  void fill(uint32_t node, const TokenTrie& trie);
  void fill_bytes(uint32_t node, const TokenTrie& trie);

  const Grammar& grammar_;
  std::vector<uint64_t> whole_;                ///< per node
  std::vector<std::vector<uint64_t>> states_;  ///< per node of kind kBytes, per state
};

}  // namespace maie::grammar
