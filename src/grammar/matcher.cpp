#include "grammar/matcher.h"

#include <algorithm>

namespace maie::grammar {

Matcher::Matcher(std::shared_ptr<Constraint> constraint)
    : constraint_(std::move(constraint)), machine_(constraint_->grammar()) {
  Tops tops = machine_.start();
  history_.push_back({std::move(tops), machine_.size()});
}

std::span<const uint32_t> Matcher::mask(std::optional<uint64_t> budget) {
  bits_.assign(constraint_->trie().words(), 0);
  if (ended()) return bits_;
  const auto cached = constraint_->mask(machine_, now().tops);
  // The usual case: whatever comes, the budget will do.
  const bool enough = !budget || int64_t(std::min<uint64_t>(*budget, INT64_MAX)) - 1 -
                                         int64_t(tokens_to_finish()) >=
                                     cached->growth;
  if (enough) {
    bits_ = cached->bits;
  } else if (*budget > 0) {
    bits_ = constraint_->mask_within(machine_, now().tops, *budget - 1).bits;
  }
  if (complete()) {
    for (const int32_t id : constraint_->trie().end_tokens())
      bits_[size_t(id) / 32] |= 1u << (id % 32);
  }
  return bits_;
}

bool Matcher::advance(const std::string& bytes, Tops& tops) {
  Tops next;
  for (const char c : bytes) {
    machine_.step(tops, uint8_t(c), next);
    tops.swap(next);
    if (tops.empty()) return false;
  }
  return true;
}

bool Matcher::accept(int32_t token) {
  const auto& trie = constraint_->trie();
  if (ended() || token < 0 || size_t(token) >= trie.vocabulary()) return false;
  if (trie.is_end(token)) {
    if (!complete()) return false;
    Place place = now();
    place.ended = true;
    history_.push_back(std::move(place));
    return true;
  }
  const std::string& bytes = trie.bytes(token);
  Tops tops = now().tops;
  if (bytes.empty() || !advance(bytes, tops)) {
    machine_.truncate(now().frames);
    return false;
  }
  history_.push_back({std::move(tops), machine_.size()});
  return true;
}

void Matcher::rollback(size_t tokens) {
  check(tokens <= accepted(), "rollback of more tokens than were accepted");
  history_.resize(history_.size() - tokens);
  machine_.truncate(now().frames);
}

std::string Matcher::forced(size_t most) {
  std::string out;
  if (ended()) return out;
  Tops tops = now().tops, after, only;
  while (out.size() < most && !Machine::complete(tops)) {
    int found = -1;
    bool several = false;
    for (int byte = 0x20; byte < 256 && !several; ++byte) {
      const size_t size = machine_.size();
      machine_.step(tops, uint8_t(byte), after);
      if (after.empty()) {
        machine_.truncate(size);
        continue;
      }
      several = found >= 0;
      found = byte;
      only.swap(after);
    }
    if (several || found < 0) break;
    out += char(found);
    tops.swap(only);
  }
  machine_.truncate(now().frames);
  return out;
}

// Whether the vocabulary has a token that begins with `beginning`, is longer, and may stand here.
bool Matcher::longer_allowed(const Tops& from, const std::string& beginning) {
  const auto& trie = constraint_->trie();
  int64_t node = -1;
  for (const char c : beginning) {
    node = trie.child(node, uint8_t(c));
    if (node < 0) return false;
  }
  const size_t start_depth = beginning.size();
  std::vector<Tops> tops(size_t{trie.longest()} + 1);
  tops[start_depth] = from;
  if (!advance(beginning, tops[start_depth])) return false;
  for (uint32_t i = uint32_t(node) + 1; i < trie.nodes()[size_t(node)].end;) {
    const auto& below = trie.nodes()[i];
    machine_.step(tops[below.depth - 1u], below.byte, tops[below.depth]);
    if (!tops[below.depth].empty() && below.token_count > 0) return true;
    i = tops[below.depth].empty() ? below.end : i + 1;
  }
  return false;
}

size_t Matcher::safe_to_append(std::span<const int32_t> tokens) {
  const auto& trie = constraint_->trie();
  size_t safe = tokens.size();
  const size_t first = tokens.size() > 4 ? tokens.size() - 4 : 0;
  Tops tops = now().tops;
  for (size_t i = 0; i < tokens.size() && safe == tokens.size(); ++i) {
    if (i >= first) {
      std::string rest;
      for (const int32_t id : tokens.subspan(i)) rest += trie.bytes(id);
      if (longer_allowed(tops, rest)) safe = i;
    }
    if (!advance(trie.bytes(tokens[i]), tops)) safe = std::min(safe, i);
  }
  machine_.truncate(now().frames);
  return safe;
}

}  // namespace maie::grammar
