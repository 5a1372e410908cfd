#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace maie::grammar {

/// A vocabulary by bytes: a trie in depth-first order. Made once per tokenizer, shared by all
/// grammars. Immutable, any thread.
class TokenTrie {
 public:
  struct Node {
    uint32_t end;     ///< index past the last node below this one
    uint32_t tokens;  ///< first of its ids in `ids()`
    uint16_t depth;   ///< bytes from the root, from 1
    uint8_t byte;
    uint8_t token_count;  ///< ids that are spelt exactly so
  };

  /// @param tokens  bytes of every id; empty for ids that must never be written (special, unused)
  /// @param end_tokens  ids that end a document; their bytes are not looked at
  /// kUnsupported when a byte that JSON needs is no token of its own: nothing could then promise
  /// that an open document can be closed.
  static Result<std::shared_ptr<const TokenTrie>> make(const std::vector<std::string>& tokens,
                                                       std::vector<int32_t> end_tokens);

  std::span<const Node> nodes() const { return all_.nodes; }
  std::span<const int32_t> ids() const { return all_.ids; }
  /// The tokens that are not `plain`, as a trie of their own.
  std::span<const Node> odd_nodes() const { return odd_.nodes; }
  std::span<const int32_t> odd_ids() const { return odd_.ids; }

  /// Ids in bit i%32 of word i/32: the plain tokens of at most `code_points` code points. Plain:
  /// whole characters that stand for themselves inside a JSON string.
  const std::vector<uint32_t>& plain_up_to(uint32_t code_points) const;

  size_t vocabulary() const { return texts_.size(); }
  size_t words() const { return (texts_.size() + 31) / 32; }
  const std::vector<int32_t>& end_tokens() const { return end_tokens_; }
  bool is_end(int32_t id) const;
  const std::string& bytes(int32_t id) const { return texts_[size_t(id)]; }
  uint32_t longest() const { return longest_; }  ///< bytes of the longest token

  /// The node below `parent` (-1: the root) for `byte`, or -1.
  int64_t child(int64_t parent, uint8_t byte) const;

 private:
  struct Flat {
    std::vector<Node> nodes;
    std::vector<int32_t> ids;
  };
  Flat flatten(const std::vector<int32_t>& sorted_ids) const;

  std::vector<std::string> texts_;
  std::vector<int32_t> end_tokens_;
  Flat all_, odd_;
  std::vector<std::vector<uint32_t>> plain_;  ///< [n]: up to n code points; the last holds all
  std::array<int64_t, 256> roots_{};
  uint32_t longest_ = 1;
};

}  // namespace maie::grammar
