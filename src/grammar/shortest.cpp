// Fewest bytes of every node and state: all start at "never" and are lowered until nothing changes.
// Schemas are small and the first rounds settle nearly everything, so no queue is kept.
#include <algorithm>

#include "grammar/grammar.h"

namespace maie::grammar {
namespace {

uint32_t add(uint64_t a, uint64_t b) {
  return a >= kUnbounded || b >= kUnbounded ? kUnbounded
                                            : uint32_t(std::min<uint64_t>(a + b, kUnbounded - 1));
}

struct Cost {
  uint32_t need, depth;
};

Cost better(Cost a, Cost b) { return b.need < a.need ? b : a; }

Cost of_array(const Node& node, const std::vector<Node>& nodes) {
  uint64_t need = 2;
  uint32_t depth = 1;
  const uint32_t listed = std::min<uint32_t>(node.least, uint32_t(node.parts.size()));
  for (uint32_t i = 0; i < node.least; ++i) {
    const int64_t item = node.item(i);
    if (item < 0 || nodes[item].need == kUnbounded) return {kUnbounded, 1};
    const uint64_t times = i < listed ? 1 : node.least - i;
    need = std::min<uint64_t>(need + times * (uint64_t{nodes[item].need} + 1), kUnbounded - 1);
    depth = std::max(depth, nodes[item].depth + 1);
    if (i >= listed) break;
  }
  if (node.least > 0) need -= 1;
  return {uint32_t(need), depth};
}

bool lower(Node& node, const std::vector<Node>& nodes) {
  Cost cost{kUnbounded, 1};
  bool changed = false;
  switch (node.kind) {
    case Node::Kind::kString:
      if (!node.dfa.empty() && node.least <= node.most) {
        cost.need = node.free ? add(node.least, 2) : add(node.dfa.states[0].cost, 1);
      }
      break;
    case Node::Kind::kArray: cost = of_array(node, nodes); break;
    case Node::Kind::kUnion:
      for (const uint32_t part : node.parts)
        cost = better(cost, {nodes[part].need, nodes[part].depth});
      break;
    case Node::Kind::kBytes:
      // Builders number states mostly forwards, so going backwards settles long chains at once.
      for (size_t i = node.states.size(); i-- > 0;) {
        auto& state = node.states[i];
        uint32_t need = state.accept ? 0 : kUnbounded;
        for (const auto& e : state.edges) need = std::min(need, add(node.states[e.next].need, 1));
        for (const auto& c : state.calls)
          need = std::min(need, add(node.states[c.next].need, nodes[c.node].need));
        if (need < state.need) state.need = need, changed = true;
      }
      if (!node.states.empty()) {
        cost.need = node.states[0].need;
        cost.depth = node.depth;
      }
      break;
  }
  if (cost.need < node.need) {
    node.need = cost.need;
    node.depth = cost.depth;
    changed = true;
  }
  return changed;
}

// Depths along the shortest way, one round; true while something grew.
bool deepen(Node& node, const std::vector<Node>& nodes) {
  uint32_t depth = 1;
  bool changed = false;
  if (node.kind == Node::Kind::kBytes) {
    for (size_t i = node.states.size(); i-- > 0;) {
      auto& state = node.states[i];
      if (state.need == kUnbounded) continue;
      const Shortest way = shortest_way(node, state, nodes);
      uint32_t here = 1;
      if (way.edge >= 0) here = node.states[state.edges[way.edge].next].depth;
      if (way.call >= 0) {
        const auto& call = state.calls[way.call];
        here = std::max(nodes[call.node].depth + 1, node.states[call.next].depth);
      }
      if (here > state.depth) state.depth = here, changed = true;
    }
    depth = node.states[0].depth;
  } else if (node.kind == Node::Kind::kArray) {
    depth = of_array(node, nodes).depth;
  } else if (node.kind == Node::Kind::kUnion) {
    Cost cost{kUnbounded, 1};
    for (const uint32_t p : node.parts) cost = better(cost, {nodes[p].need, nodes[p].depth});
    depth = cost.depth;
  }
  if (depth > node.depth) node.depth = depth, changed = true;
  return changed;
}

}  // namespace

Shortest shortest_way(const Node& node, const Node::State& state, const std::vector<Node>& nodes) {
  if (state.need == 0) return {};
  for (size_t i = 0; i < state.edges.size(); ++i) {
    if (add(node.states[state.edges[i].next].need, 1) == state.need) return {.edge = int64_t(i)};
  }
  for (size_t i = 0; i < state.calls.size(); ++i) {
    const auto& call = state.calls[i];
    if (add(node.states[call.next].need, nodes[call.node].need) == state.need)
      return {.call = int64_t(i)};
  }
  return {};
}

void find_shortest(std::vector<Node>& nodes) {
  bool changed = true;
  while (changed) {
    changed = false;
    for (size_t i = nodes.size(); i-- > 0;) changed |= lower(nodes[i], nodes);
  }
  // Depths follow from the needs; the shortest values are a tree, so this settles as well.
  for (changed = true; changed;) {
    changed = false;
    for (size_t i = nodes.size(); i-- > 0;) {
      if (nodes[i].need != kUnbounded) changed |= deepen(nodes[i], nodes);
    }
  }
  for (auto& node : nodes) {
    for (auto& state : node.states) {
      std::erase_if(state.edges,
                    [&](const Node::Edge& e) { return node.states[e.next].need == kUnbounded; });
      std::erase_if(state.calls, [&](const Node::Call& c) {
        return node.states[c.next].need == kUnbounded || nodes[c.node].need == kUnbounded;
      });
    }
    if (node.kind == Node::Kind::kUnion)
      std::erase_if(node.parts, [&](uint32_t p) { return nodes[p].need == kUnbounded; });
    if (node.kind != Node::Kind::kArray) continue;
    for (uint32_t i = 0; i <= node.parts.size(); ++i) {
      const int64_t item = node.item(i);
      if (item < 0 || nodes[item].need == kUnbounded) {
        node.most = std::min(node.most, i);  // the array ends before what cannot be written
        break;
      }
    }
  }
}

}  // namespace maie::grammar
