#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "grammar/token_needs.h"

namespace maie::grammar {

/// Which tokens may follow, one bit per id (bit id%32 of word id/32).
struct Mask {
  std::vector<uint32_t> bits;
  int64_t growth = 0;  ///< no allowed token makes the tokens still needed grow by more
};

/// One grammar for one vocabulary, with the masks of the places it has been at. Places that differ
/// only in counts too far from their bounds for any token to tell share a mask. Any thread.
class Constraint {
 public:
  /// @param cache_bytes  of masks kept; the least recently used are dropped
  Constraint(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie,
             size_t cache_bytes = 32 << 20);

  const Grammar& grammar() const { return *grammar_; }
  const TokenTrie& trie() const { return *trie_; }
  const TokenNeeds& needs() const { return needs_; }

  /// The mask at `tops`, end tokens not included. Leaves `machine` as it was.
  std::shared_ptr<const Mask> mask(Machine& machine, const Tops& tops);
  /// Like `mask`, with only tokens after which at most `budget` more suffice. Never cached.
  Mask mask_within(Machine& machine, const Tops& tops, uint64_t budget) const;

  size_t cached_bytes() const;
  size_t misses() const;

 private:
  struct KeyHash {
    size_t operator()(const std::vector<uint32_t>& key) const;
  };
  struct Entry {
    std::vector<uint32_t> key;
    std::shared_ptr<const Mask> mask;
  };
  std::vector<uint32_t> key(const Machine& machine, const Tops& tops) const;
  size_t size_of(const Entry& entry) const;

  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const TokenTrie> trie_;
  TokenNeeds needs_;
  const size_t cache_bytes_;

  mutable std::mutex mutex_;
  std::list<Entry> recent_;  ///< latest first
  std::unordered_map<std::vector<uint32_t>, std::list<Entry>::iterator, KeyHash> entries_;
  size_t bytes_ = 0;
  size_t misses_ = 0;
};

}  // namespace maie::grammar
