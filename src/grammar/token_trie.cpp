#include "grammar/token_trie.h"

#include <algorithm>

#include "text/utf8.h"

namespace maie::grammar {
namespace {

constexpr size_t kMaxTokenBytes = 4096;
constexpr size_t kMaxPlain = 24;  // code points with a bit set of their own; longer tokens are odd

// Code points of a plain token, or 0.
size_t plain_length(const std::string& text) {
  for (const char c : text) {
    if (uint8_t(c) < 0x20 || c == '"' || c == '\\') return 0;
  }
  if (text::repair_utf8(text) != text) return 0;
  const size_t length = text::decode_utf8(text).size();
  return length <= kMaxPlain ? length : 0;
}

}  // namespace

Result<std::shared_ptr<const TokenTrie>> TokenTrie::make(const std::vector<std::string>& tokens,
                                                         std::vector<int32_t> end_tokens) {
  auto trie = std::make_shared<TokenTrie>();
  trie->texts_ = tokens;
  trie->end_tokens_ = std::move(end_tokens);
  for (const int32_t id : trie->end_tokens_) {
    if (id < 0 || size_t(id) >= tokens.size())
      return invalid_input("the end token " + std::to_string(id) + " is not in the vocabulary");
    trie->texts_[size_t(id)].clear();
  }
  std::vector<int32_t> every, odd;
  trie->plain_.assign(kMaxPlain + 1, std::vector<uint32_t>(trie->words()));
  for (size_t id = 0; id < tokens.size(); ++id) {
    const auto& text = trie->texts_[id];
    if (text.empty()) continue;
    if (text.size() > kMaxTokenBytes)
      return unsupported("the token " + std::to_string(id) + " is longer than 4096 bytes");
    trie->longest_ = std::max(trie->longest_, uint32_t(text.size()));
    every.push_back(int32_t(id));
    const size_t length = plain_length(text);
    if (length == 0) odd.push_back(int32_t(id));
    for (size_t n = length; length > 0 && n <= kMaxPlain; ++n)
      trie->plain_[n][id / 32] |= 1u << (id % 32);
  }
  const auto by_bytes = [&](int32_t a, int32_t b) {
    return std::pair(std::string_view(trie->texts_[size_t(a)]), a) <
           std::pair(std::string_view(trie->texts_[size_t(b)]), b);
  };
  std::sort(every.begin(), every.end(), by_bytes);
  std::sort(odd.begin(), odd.end(), by_bytes);
  trie->all_ = trie->flatten(every);
  trie->odd_ = trie->flatten(odd);
  trie->roots_.fill(-1);
  for (uint32_t i = 0; i < trie->all_.nodes.size(); i = trie->all_.nodes[i].end)
    trie->roots_[trie->all_.nodes[i].byte] = i;
  for (int byte = 0x20; byte <= 0xF4; ++byte) {
    if (byte == 0x7F || byte == 0xC0 || byte == 0xC1) continue;
    const int64_t root = trie->roots_[size_t(byte)];
    if (root < 0 || trie->all_.nodes[size_t(root)].token_count == 0) {
      return unsupported("the vocabulary has no token for the single byte " + std::to_string(byte) +
                         ", so that constrained output could get stuck; "
                         "use a model with a byte-level tokenizer");
    }
  }
  return std::shared_ptr<const TokenTrie>(std::move(trie));
}

TokenTrie::Flat TokenTrie::flatten(const std::vector<int32_t>& sorted_ids) const {
  Flat flat;
  std::vector<uint32_t> open;  // the nodes of the current token's bytes
  std::string_view before;
  const auto close = [&](size_t depth) {
    while (open.size() > depth) {
      flat.nodes[open.back()].end = uint32_t(flat.nodes.size());
      open.pop_back();
    }
  };
  for (const int32_t id : sorted_ids) {
    const std::string_view text = texts_[size_t(id)];
    const size_t shared = size_t(
        std::mismatch(text.begin(), text.end(), before.begin(), before.end()).first - text.begin());
    close(shared);
    for (size_t d = shared; d < text.size(); ++d) {
      open.push_back(uint32_t(flat.nodes.size()));
      flat.nodes.push_back({0, uint32_t(flat.ids.size()), uint16_t(d + 1), uint8_t(text[d]), 0});
    }
    Node& last = flat.nodes[open.back()];
    if (last.token_count == 0) last.tokens = uint32_t(flat.ids.size());
    if (last.token_count == 255) continue;  // no vocabulary spells 256 tokens alike
    ++last.token_count;
    flat.ids.push_back(id);
    before = text;
  }
  close(0);
  return flat;
}

const std::vector<uint32_t>& TokenTrie::plain_up_to(uint32_t code_points) const {
  return plain_[std::min<size_t>(code_points, kMaxPlain)];
}

bool TokenTrie::is_end(int32_t id) const {
  return std::find(end_tokens_.begin(), end_tokens_.end(), id) != end_tokens_.end();
}

int64_t TokenTrie::child(int64_t parent, uint8_t byte) const {
  if (parent < 0) return roots_[byte];
  const uint32_t end = all_.nodes[size_t(parent)].end;
  for (uint32_t i = uint32_t(parent) + 1; i < end; i = all_.nodes[i].end) {
    if (all_.nodes[i].byte == byte) return i;
  }
  return -1;
}

}  // namespace maie::grammar
