#pragma once

#include <string>
#include <utility>
#include <vector>

#include "text/bpe_tokenizer.h"

namespace maie::text {

/// What a reader hands to BpeTokenizer::build. Inside this folder only.
struct BpeTokenizer::Draft {
  std::string arena;                               ///< bytes of all tokens, in any order
  std::vector<std::pair<size_t, size_t>> extents;  ///< by id: offset and length in arena
  std::vector<bool>
      unmatched;  ///< by id: never the result of encoding (holes, names); may be shorter
  /// By rank: ids left, right, and what they merge to. Unused when `ranked`.
  struct Merge {
    int32_t left, right, result;
  };
  std::vector<Merge> merges;
  bool ranked = false;  ///< two neighbours merge when together they are a token; its id is the rank
  /// By id, for scored vocabularies: the rank of its score. Otherwise empty.
  std::vector<int32_t> score_ranks;
  ScoredOptions scored;
  std::vector<AddedToken> added;
  BpeOptions options;

  /// Sets the bytes of a token; grows the tables. `id` was checked against kMaxTokens.
  void set(int32_t id, std::string_view bytes) {
    if (extents.size() <= static_cast<size_t>(id)) extents.resize(id + 1);
    extents[id] = {arena.size(), bytes.size()};
    arena.append(bytes);
  }
  void exclude(int32_t id) {
    if (unmatched.size() <= static_cast<size_t>(id)) unmatched.resize(id + 1, false);
    unmatched[id] = true;
  }
  std::string_view bytes(int32_t id) const {
    return std::string_view(arena).substr(extents[id].first, extents[id].second);
  }
};

/// Byte strings to ids: open addressing over a caller's arena, half full at most. An
/// unordered_map of strings takes several times as long to fill, and start-up waits for it.
class ByteStringIndex {
 public:
  void reserve(size_t count);
  /// False, and nothing changes, when the bytes are there already.
  template <class BytesOf>
  bool insert(std::string_view bytes, int32_t id, const BytesOf& bytes_of);
  /// -1 when absent.
  template <class BytesOf>
  int32_t find(std::string_view bytes, const BytesOf& bytes_of) const;

 private:
  static size_t hash(std::string_view bytes) { return std::hash<std::string_view>()(bytes); }
  std::vector<int32_t> slots_;
};

inline void ByteStringIndex::reserve(size_t count) {
  size_t size = 16;
  while (size < 2 * count) size *= 2;
  slots_.assign(size, -1);
}

template <class BytesOf>
bool ByteStringIndex::insert(std::string_view bytes, int32_t id, const BytesOf& bytes_of) {
  for (size_t at = hash(bytes);; ++at) {
    int32_t& slot = slots_[at & (slots_.size() - 1)];
    if (slot < 0) {
      slot = id;
      return true;
    }
    if (bytes_of(slot) == bytes) return false;
  }
}

template <class BytesOf>
int32_t ByteStringIndex::find(std::string_view bytes, const BytesOf& bytes_of) const {
  if (slots_.empty()) return -1;
  for (size_t at = hash(bytes);; ++at) {
    const int32_t slot = slots_[at & (slots_.size() - 1)];
    if (slot < 0 || bytes_of(slot) == bytes) return slot;
  }
}

}  // namespace maie::text
