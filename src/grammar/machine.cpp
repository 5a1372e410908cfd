#include "grammar/machine.h"

#include <algorithm>

#include "grammar/json_string.h"

namespace maie::grammar {
namespace {

bool same(const Frame& a, const Frame& b) {
  return a.parent == b.parent && a.node == b.node && a.state == b.state && a.count == b.count &&
         a.lex == b.lex;
}

}  // namespace

Machine::Machine(const Grammar& grammar) : grammar_(grammar), nodes_(grammar.nodes()) {
  frames_.emplace_back();
  frames_[0].need = 0;
}

bool Machine::complete(const Tops& tops) {
  return std::find(tops.begin(), tops.end(), 0u) != tops.end();
}

Tops Machine::start() {
  Tops out;
  push(grammar_.root(), 0, out);
  return out;
}

void Machine::step(const Tops& from, uint8_t byte, Tops& out) {
  out.clear();
  for (const uint32_t id : from) {
    if (id != 0) step_frame(frames_[id], byte, out);
  }
}

uint32_t Machine::add(const Frame& frame) {
  frames_.push_back(frame);
  frames_.back().need = UINT64_MAX;
  return uint32_t(frames_.size() - 1);
}

void Machine::push(uint32_t node, uint32_t parent, Tops& out) {
  const Node& n = nodes_[node];
  const uint32_t depth = parent == 0 ? 0 : frames_[parent].depth + 1;
  if (n.need == kUnbounded || depth + n.depth > grammar_.max_depth()) return;
  if (n.kind == Node::Kind::kUnion) {
    for (const uint32_t part : n.parts) push(part, parent, out);
    return;
  }
  settle({.parent = parent, .node = node, .depth = depth}, -1, out);
}

void Machine::pop(uint32_t parent, Tops& out) {
  if (parent == 0) {
    if (!complete(out)) out.push_back(0);
    return;
  }
  settle(Frame(frames_[parent]), parent, out);
}

// Adds the readings in which `frame` has its turn: itself where it can take a byte, what it calls,
// what follows it where it is finished. `known` is its index where it has one.
void Machine::settle(const Frame& frame, int64_t known, Tops& out) {
  const Node& node = nodes_[frame.node];
  const auto keep = [&] {
    if (out.size() >= kMaxTops) return;
    for (const uint32_t id : out) {
      if (id != 0 && same(frames_[id], frame)) return;
    }
    if (known < 0) known = add(frame);
    out.push_back(uint32_t(known));
  };
  if (node.kind == Node::Kind::kString) return keep();
  if (node.kind == Node::Kind::kArray) {
    if (frame.state != 1) return keep();
    if (node.least == 0) keep();
    if (node.most == 0) return;
    Frame after = frame;
    after.state = 2;
    after.count = 1;
    return push(uint32_t(node.item(0)), add(after), out);
  }
  const auto& state = node.states[frame.state];
  if (!state.edges.empty()) keep();
  for (const auto& call : state.calls) {
    Frame after = frame;
    after.state = call.next;
    push(call.node, add(after), out);
  }
  if (state.accept) pop(frame.parent, out);
}

void Machine::step_frame(Frame frame, uint8_t byte, Tops& out) {
  const Node& node = nodes_[frame.node];
  if (node.kind == Node::Kind::kString) {
    const auto result = step_string(node, byte, frame.state, frame.count, frame.lex);
    if (result == StringStep::kInside) settle(frame, -1, out);
    if (result == StringStep::kClosed) pop(frame.parent, out);
    return;
  }
  if (node.kind == Node::Kind::kArray) {
    if (frame.state == 0) {
      if (byte != '[') return;
      frame.state = 1;
      return settle(frame, -1, out);
    }
    if (byte == ']' && (frame.state == 1 || frame.count >= node.least))
      return pop(frame.parent, out);
    if (byte != ',' || frame.state != 2 || frame.count >= node.most) return;
    const uint32_t item = uint32_t(node.item(frame.count));
    // Without an upper bound nothing needs the count past the minimum and the listed items.
    if (node.most != kUnbounded || frame.count < std::max<size_t>(node.least, node.parts.size()))
      ++frame.count;
    return push(item, add(frame), out);
  }
  const auto& edges = node.states[frame.state].edges;
  const auto it =
      std::upper_bound(edges.begin(), edges.end(), byte,
                       [](uint8_t value, const Node::Edge& e) { return value < e.first; });
  if (it == edges.begin() || byte > std::prev(it)->last) return;
  frame.state = std::prev(it)->next;
  // A key whose value would nest too deep is refused at its first byte, not when it is too late.
  if (frame.depth + node.states[frame.state].depth > grammar_.max_depth()) return;
  settle(frame, -1, out);
}

}  // namespace maie::grammar
