#include "grammar/mask_cache.h"

#include <algorithm>

#include "grammar/json_string.h"

namespace maie::grammar {
namespace {

// Visits every token that keeps at least one reading: visit(id, tops after it). A prefix that is
// refused skips all tokens below it; frames made on the way are cut off again.
template <class Visit>
void walk(Machine& machine, const Tops& start, std::span<const TokenTrie::Node> nodes,
          std::span<const int32_t> ids, uint32_t longest, Visit visit) {
  const size_t size = machine.size();
  std::vector<Tops> tops(size_t{longest} + 1);
  std::vector<size_t> base(size_t{longest} + 2, size);
  tops[0] = start;
  for (uint32_t i = 0; i < nodes.size();) {
    const auto& node = nodes[i];
    const size_t d = node.depth;
    machine.truncate(base[d]);
    machine.step(tops[d - 1], node.byte, tops[d]);
    if (tops[d].empty()) {
      i = node.end;
      continue;
    }
    base[d + 1] = machine.size();
    for (uint32_t t = 0; t < node.token_count; ++t) visit(ids[node.tokens + t], tops[d]);
    ++i;
  }
  machine.truncate(size);
}

// Whether the one reading stands between two characters of a string that may hold anything.
bool in_free_string(const Machine& machine, const Tops& tops) {
  if (tops.size() != 1 || tops[0] == 0) return false;
  const Frame& frame = machine.frames()[tops[0]];
  const Node& node = machine.grammar().nodes()[frame.node];
  return node.kind == Node::Kind::kString && node.free && kind_of(frame.lex) == Lex::kClean;
}

void set(std::vector<uint32_t>& bits, int32_t id) { bits[size_t(id) / 32] |= 1u << (id % 32); }

}  // namespace

Constraint::Constraint(std::shared_ptr<const Grammar> grammar,
                       std::shared_ptr<const TokenTrie> trie, size_t cache_bytes)
    : grammar_(std::move(grammar)),
      trie_(std::move(trie)),
      needs_(*grammar_, *trie_),
      cache_bytes_(cache_bytes) {}

size_t Constraint::KeyHash::operator()(const std::vector<uint32_t>& key) const {
  uint64_t hash = 1469598103934665603u;
  for (const uint32_t word : key) hash = (hash ^ word) * 1099511628211u;
  return size_t(hash ^ hash >> 29);
}

std::vector<uint32_t> Constraint::key(const Machine& machine, const Tops& tops) const {
  std::vector<uint32_t> out;
  const uint32_t far = trie_->longest() + 1;  // further than one token can count
  for (const uint32_t top : tops) {
    for (uint32_t id = top; id != 0; id = machine.frames()[id].parent) {
      const Frame& f = machine.frames()[id];
      const Node& node = grammar_->nodes()[f.node];
      // Items listed one by one are told apart; elsewhere only the distance to a bound counts.
      uint32_t count = f.count, room = 0;
      if (node.kind == Node::Kind::kString || f.count >= node.parts.size()) {
        count = uint32_t(std::min<size_t>(count, node.parts.size()));
        room =
            std::min(node.most == kUnbounded ? far : node.most - std::min(node.most, f.count), far);
      }
      const uint32_t lack = std::min(node.least - std::min(node.least, f.count), far);
      const bool near = f.depth + trie_->longest() + 1 >= grammar_->max_depth();
      for (const uint32_t word :
           {f.node, f.state, f.lex, count, room, lack, near ? f.depth + 1 : 0})
        out.push_back(word);
    }
    out.push_back(UINT32_MAX);
  }
  return out;
}

size_t Constraint::size_of(const Entry& entry) const {
  return (2 * entry.key.size() + entry.mask->bits.size()) * 4 + 256;
}

std::shared_ptr<const Mask> Constraint::mask(Machine& machine, const Tops& tops) {
  auto place = key(machine, tops);
  {
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(place);
    if (it != entries_.end()) {
      recent_.splice(recent_.begin(), recent_, it->second);
      return it->second->mask;
    }
  }
  auto made = std::make_shared<Mask>();
  made->bits.resize(trie_->words());
  const auto before = int64_t(needs_.of(machine, tops));
  const bool sliced = in_free_string(machine, tops);
  made->growth = sliced ? 0 : INT64_MIN;
  if (sliced) {
    const Frame& frame = machine.frames()[tops[0]];
    const uint32_t most = grammar_->nodes()[frame.node].most;
    made->bits = trie_->plain_up_to(most == kUnbounded ? kUnbounded : most - frame.count);
  }
  walk(machine, tops, sliced ? trie_->odd_nodes() : trie_->nodes(),
       sliced ? trie_->odd_ids() : trie_->ids(), trie_->longest(),
       [&](int32_t id, const Tops& after) {
         set(made->bits, id);
         made->growth = std::max(made->growth, int64_t(needs_.of(machine, after)) - before);
       });
  const std::lock_guard lock(mutex_);
  ++misses_;
  if (entries_.contains(place)) return made;  // another thread was here first
  recent_.push_front({place, made});
  entries_[std::move(place)] = recent_.begin();
  bytes_ += size_of(recent_.front());
  while (bytes_ > cache_bytes_ && recent_.size() > 1) {
    bytes_ -= size_of(recent_.back());
    entries_.erase(recent_.back().key);
    recent_.pop_back();
  }
  return made;
}

Mask Constraint::mask_within(Machine& machine, const Tops& tops, uint64_t budget) const {
  Mask out;
  out.bits.resize(trie_->words());
  walk(machine, tops, trie_->nodes(), trie_->ids(), trie_->longest(),
       [&](int32_t id, const Tops& after) {
         if (needs_.of(machine, after) <= budget) set(out.bits, id);
       });
  return out;
}

size_t Constraint::cached_bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

size_t Constraint::misses() const {
  const std::lock_guard lock(mutex_);
  return misses_;
}

}  // namespace maie::grammar
