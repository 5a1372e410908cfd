#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "llm/page_pool.h"

namespace maie::llm {

/// Beginnings of prompts whose keys and values are still in the cache. Prompts are read in chunks
/// cut at multiples of `chunk` tokens from their start, and only whole chunks are kept: what is
/// found here has the bits that reading it again would give. A tree of chunks, each under the chunk
/// before it. One thread at a time.
class PrefixCache {
 public:
  /// @param pool  outlives the cache. @param chunk  tokens, a multiple of those of a page.
  PrefixCache(PagePool& pool, int64_t chunk, int64_t page_tokens);
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  /// The pages of the longest beginning of `tokens` that is kept, whole chunks, at most
  /// `most_tokens`. The caller becomes a holder of each. Counts as a use.
  std::vector<int32_t> find(std::span<const int32_t> tokens, int64_t most_tokens);
  /// Tokens that `find` would give, without taking anything.
  int64_t known(std::span<const int32_t> tokens) const;

  /// Keeps the whole chunks of `tokens`, whose pages the caller holds. What is there already stays.
  void add(std::span<const int32_t> tokens, std::span<const int32_t> pages);

  /// Drops what was used least recently, and no sequence reads, until `pages` are free in the pool.
  /// False, and nothing is dropped, when that cannot be.
  bool make_room(int64_t pages);

  int64_t chunks() const { return chunks_; }

 private:
  struct Node {
    std::vector<int32_t> pages;
    uint64_t used = 0;
    std::map<std::vector<int32_t>, std::unique_ptr<Node>> next;  // by the tokens of the chunk
  };
  enum class Which { kAll, kIdle };
  bool drop_oldest(Which which);
  int64_t idle_pages() const;

  PagePool& pool_;
  int64_t chunk_, pages_per_chunk_;
  uint64_t clock_ = 0;
  int64_t chunks_ = 0;
  Node root_;
};

}  // namespace maie::llm
