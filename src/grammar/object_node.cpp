// A comma belongs to the member that follows it. For every place between members there is one
// state ("members before i are decided, at least one is written"); from it lead the texts of all
// members that may come next, sharing their beginnings like a trie, and the closing brace where no
// required member is left.
#include "grammar/object_node.h"

#include <map>

#include "base/json.h"

namespace maie::grammar {
namespace {

class Tries {
 public:
  explicit Tries(Node& node) : node_(node) {}

  uint32_t add_state() {
    node_.states.emplace_back();
    next_.emplace_back();
    return uint32_t(node_.states.size() - 1);
  }
  uint32_t step(uint32_t from, uint8_t byte) {
    const auto it = next_[from].find(byte);
    if (it != next_[from].end()) return it->second;
    const uint32_t to = add_state();
    next_[from][byte] = to;
    return to;
  }
  uint32_t walk(uint32_t from, const std::string& text) {
    for (const char c : text) from = step(from, uint8_t(c));
    return from;
  }
  void link(uint32_t from, char byte, uint32_t to) { next_[from][uint8_t(byte)] = to; }
  void call(uint32_t from, uint32_t node, uint32_t next) {
    node_.states[from].calls.push_back({node, next});
  }
  void finish() {
    for (size_t s = 0; s < next_.size(); ++s) {
      for (const auto& [byte, to] : next_[s]) node_.states[s].edges.push_back({byte, byte, to});
    }
  }

 private:
  Node& node_;
  std::vector<std::map<uint8_t, uint32_t>> next_;
};

}  // namespace

Node literal_node(const std::vector<std::string>& texts) {
  Node node;
  Tries tries(node);
  const uint32_t start = tries.add_state();
  for (const auto& text : texts) node.states[tries.walk(start, text)].accept = true;
  tries.finish();
  return node;
}

Result<Node> object_node(const ObjectRules& rules, size_t max_states) {
  Node node;
  Tries tries(node);
  const size_t n = rules.members.size();
  const uint32_t start = tries.add_state(), end = tries.add_state(), first = tries.add_state();
  node.states[end].accept = true;
  tries.link(start, '{', first);
  std::vector<uint32_t> after;  // [i]: members before i are decided, something is written
  for (size_t i = 0; i <= n; ++i) after.push_back(tries.add_state());
  const bool open = rules.extra_value >= 0;
  const uint32_t colon = open ? tries.add_state() : 0, more = open ? tries.add_state() : 0;
  if (open) {
    const uint32_t value = tries.add_state();
    tries.link(colon, ':', value);
    tries.call(value, uint32_t(rules.extra_value), more);
    tries.link(more, '}', end);
    tries.call(tries.step(more, ','), uint32_t(rules.extra_key), colon);
  }
  std::vector<std::string> keys;
  for (const auto& member : rules.members) keys.push_back(Json(member.name).dump() + ":");
  const auto choices = [&](uint32_t from, size_t i, bool comma) {
    size_t j = i;
    for (; j < n; ++j) {
      const uint32_t leaf = tries.walk(from, (comma ? "," : "") + keys[j]);
      tries.call(leaf, rules.members[j].node, after[j + 1]);
      if (rules.members[j].required) return;
      if (node.states.size() > max_states) return;
    }
    tries.link(from, '}', end);
    if (open) tries.call(comma ? tries.step(from, ',') : from, uint32_t(rules.extra_key), colon);
  };
  choices(first, 0, false);
  for (size_t i = 1; i <= n && node.states.size() <= max_states; ++i) choices(after[i], i, true);
  if (node.states.size() > max_states) {
    return resource_exhausted("an object with so many optional members needs more than " +
                              std::to_string(max_states) + " states; make some required");
  }
  tries.finish();
  return node;
}

}  // namespace maie::grammar
