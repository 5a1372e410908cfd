#include "grammar/token_needs.h"

#include <algorithm>
#include <numeric>

#include "grammar/json_string.h"

namespace maie::grammar {
namespace {
constexpr uint64_t kUnknown = UINT64_MAX;
}

TokenNeeds::TokenNeeds(const Grammar& grammar, const TokenTrie& trie)
    : grammar_(grammar), whole_(grammar.nodes().size(), kUnknown), states_(grammar.nodes().size()) {
  // A node's shortest value only holds nodes that need fewer bytes, or (a union's choice) as many.
  const auto& nodes = grammar.nodes();
  std::vector<uint32_t> order(nodes.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return nodes[a].need < nodes[b].need; });
  for (const uint32_t id : order) {
    if (nodes[id].need != kUnbounded) fill(id, trie);
  }
  for (const uint32_t id : order) {
    if (nodes[id].need != kUnbounded && nodes[id].kind == Node::Kind::kBytes) fill_bytes(id, trie);
  }
}

uint64_t TokenNeeds::items(const Node& node, uint32_t from) const {
  uint64_t sum = 0;
  for (uint32_t i = from; i < node.least; ++i) {
    const uint64_t each = whole_[size_t(node.item(i))] + 1;  // and a comma
    if (i >= node.parts.size()) return sum + (node.least - i) * each;
    sum += each;
  }
  return sum;
}

void TokenNeeds::fill(uint32_t id, const TokenTrie& trie) {
  if (whole_[id] != kUnknown) return;
  const Node& node = grammar_.nodes()[id];
  switch (node.kind) {
    case Node::Kind::kString: whole_[id] = string_need(node, 0, 0, pack(Lex::kOpen)); break;
    case Node::Kind::kArray: {
      // Its items need less, unless they are unions of as much, which the order may put later.
      for (uint32_t i = 0; i < node.least; ++i) {
        fill(uint32_t(node.item(i)), trie);
        if (i >= node.parts.size()) break;
      }
      whole_[id] = 2 + items(node, 0) - (node.least > 0 ? 1 : 0);
      break;
    }
    case Node::Kind::kUnion:
      for (const uint32_t part : node.parts) {
        if (grammar_.nodes()[part].need != node.need) continue;
        fill(part, trie);
        whole_[id] = whole_[part];
        break;
      }
      break;
    case Node::Kind::kBytes: fill_bytes(id, trie); break;
  }
}

// Backwards along the shortest ways: a state's tokens are one token, which takes as many bytes of
// its way as it likes up to the next value, and the tokens of the state behind it.
void TokenNeeds::fill_bytes(uint32_t id, const TokenTrie& trie) {
  const auto& nodes = grammar_.nodes();
  const Node& node = nodes[id];
  if (!states_[id].empty()) return;
  auto& table = states_[id];
  table.assign(node.states.size(), kUnknown);
  std::vector<uint32_t> order(node.states.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return node.states[a].need < node.states[b].need;
  });
  for (const uint32_t s : order) {
    const auto& state = node.states[s];
    if (state.need == kUnbounded) break;
    if (s != 0 && state.need > node.states[0].need && whole_[id] == kUnknown) {
      // Off the shortest way of the node: its calls may not be known yet.
      whole_[id] = table[0];
    }
    const Shortest way = shortest_way(node, state, nodes);
    if (way.call >= 0) {
      const auto& call = state.calls[size_t(way.call)];
      fill(call.node, trie);
      auto& own = states_[id];
      own[s] = whole_[call.node] + own[call.next];
      continue;
    }
    if (way.edge < 0) {
      table[s] = 0;
      continue;
    }
    uint64_t best = kUnknown;
    int64_t token = -1;
    uint32_t at = s;
    for (;;) {
      const Shortest step = shortest_way(node, node.states[at], nodes);
      if (step.edge < 0) break;
      const auto& edge = node.states[at].edges[size_t(step.edge)];
      token = trie.child(token, edge.first);
      if (token < 0) break;
      at = edge.next;
      if (trie.nodes()[size_t(token)].token_count > 0) best = std::min(best, 1 + table[at]);
    }
    table[s] = best;
  }
  whole_[id] = table[0];
}

uint64_t TokenNeeds::own(const Frame& frame) const {
  const Node& node = grammar_.nodes()[frame.node];
  if (node.kind == Node::Kind::kBytes) return states_[frame.node][frame.state];
  if (node.kind == Node::Kind::kString)
    return string_need(node, frame.state, frame.count, frame.lex);
  if (frame.state == 0) return whole_[frame.node];
  if (frame.state == 1) return 1;
  return items(node, frame.count) + 1;
}

uint64_t TokenNeeds::of(Machine& machine, uint32_t frame) const {
  // Stacks are as deep as documents nest, so this recursion is shallow.
  const Frame& f = machine.frames()[frame];
  if (f.need != kUnknown) return f.need;
  const uint64_t need = own(f) + of(machine, f.parent);
  return machine.frame(frame).need = need;
}

uint64_t TokenNeeds::of(Machine& machine, const Tops& tops) const {
  uint64_t best = kUnknown;
  for (const uint32_t top : tops) best = std::min(best, of(machine, top));
  return best;
}

}  // namespace maie::grammar
