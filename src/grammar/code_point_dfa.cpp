#include "grammar/code_point_dfa.h"

#include <algorithm>
#include <map>
#include <queue>

#include "text/utf8.h"

namespace maie::grammar {
namespace {

constexpr uint32_t kNever = UINT32_MAX;
constexpr char32_t kLastCodePoint = 0x10FFFF;

Status too_many() {
  return resource_exhausted("the automaton of this string needs more than " +
                            std::to_string(kMaxDfaStates) +
                            " states; use a simpler pattern or smaller counts");
}

// The cheapest code point of a range: first of one byte, then of two, and so on.
uint32_t cheapest(char32_t first, char32_t last) {
  uint32_t best = json_size(first);
  for (const char32_t c : {U' ', U'#', U']', U'\u007F', U'\u0080', U'\u0800', U'\U00010000'}) {
    if (first <= c && c <= last) best = std::min(best, json_size(c));
  }
  return best;
}

}  // namespace

uint32_t json_size(char32_t c) {
  if (c == '"' || c == '\\' || c == '\b' || c == '\f' || c == '\n' || c == '\r' || c == '\t')
    return 2;
  if (c < 0x20) return 6;
  return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

int64_t CodePointDfa::next(uint32_t state, char32_t c) const {
  const auto& edges = states[state].edges;
  const auto it = std::upper_bound(edges.begin(), edges.end(), c,
                                   [](char32_t value, const Edge& e) { return value < e.first; });
  if (it == edges.begin() || c > std::prev(it)->last) return -1;
  return std::prev(it)->next;
}

CodePointDfa CodePointDfa::any() {
  CodePointDfa dfa;
  dfa.states.push_back({{{0, 0xD7FF, 0}, {0xE000, kLastCodePoint, 0}}, true, 1});
  return dfa;
}

void finish(CodePointDfa& dfa) {
  const size_t n = dfa.states.size();
  // Shortest way to the closing quote, from the accepting states backwards.
  struct Back {
    uint32_t from, cost;
  };
  std::vector<std::vector<Back>> back(n);
  for (uint32_t s = 0; s < n; ++s) {
    for (const auto& e : dfa.states[s].edges)
      back[e.next].push_back({s, cheapest(e.first, e.last)});
  }
  using Item = std::pair<uint32_t, uint32_t>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
  for (uint32_t s = 0; s < n; ++s) {
    dfa.states[s].cost = dfa.states[s].accept ? 1 : kNever;
    if (dfa.states[s].accept) queue.push({1, s});
  }
  while (!queue.empty()) {
    const auto [cost, s] = queue.top();
    queue.pop();
    if (cost != dfa.states[s].cost) continue;
    for (const auto& b : back[s]) {
      if (cost + b.cost < dfa.states[b.from].cost) {
        dfa.states[b.from].cost = cost + b.cost;
        queue.push({cost + b.cost, b.from});
      }
    }
  }
  if (n == 0 || dfa.states[0].cost == kNever) {
    dfa.states.clear();
    return;
  }
  std::vector<uint32_t> renumbered(n, kNever);
  uint32_t kept = 0;
  for (uint32_t s = 0; s < n; ++s) {
    if (dfa.states[s].cost != kNever) renumbered[s] = kept++;
  }
  std::vector<CodePointDfa::State> states;
  for (auto& state : dfa.states) {
    if (state.cost == kNever) continue;
    std::vector<CodePointDfa::Edge> edges;
    for (auto e : state.edges) {
      if (renumbered[e.next] == kNever) continue;
      e.next = renumbered[e.next];
      if (!edges.empty() && edges.back().next == e.next && edges.back().last + 1 == e.first) {
        edges.back().last = e.last;
      } else {
        edges.push_back(e);
      }
    }
    states.push_back({std::move(edges), state.accept, state.cost});
  }
  dfa.states = std::move(states);
}

Result<CodePointDfa> intersect(const CodePointDfa& a, const CodePointDfa& b) {
  CodePointDfa out;
  if (a.empty() || b.empty()) return out;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> ids{{{0, 0}, 0}};
  std::vector<std::pair<uint32_t, uint32_t>> todo{{0, 0}};
  for (size_t i = 0; i < todo.size(); ++i) {
    if (todo.size() > kMaxDfaStates) return too_many();
    const auto& left = a.states[todo[i].first];
    const auto& right = b.states[todo[i].second];
    CodePointDfa::State state;
    state.accept = left.accept && right.accept;
    for (size_t l = 0, r = 0; l < left.edges.size() && r < right.edges.size();) {
      const auto& x = left.edges[l];
      const auto& y = right.edges[r];
      const char32_t first = std::max(x.first, y.first), last = std::min(x.last, y.last);
      if (first <= last) {
        const auto [it, fresh] = ids.try_emplace({x.next, y.next}, uint32_t(ids.size()));
        if (fresh) todo.push_back(it->first);
        state.edges.push_back({first, last, it->second});
      }
      (x.last < y.last ? l : r)++;
    }
    out.states.push_back(std::move(state));
  }
  finish(out);
  return out;
}

Result<CodePointDfa> with_length(const CodePointDfa& dfa, uint32_t least, uint32_t most) {
  if (least > most) return CodePointDfa{};
  const bool bounded = most != kNever;
  const uint64_t counted = uint64_t(bounded ? most : least) + 1;
  if (counted > kMaxDfaStates) return too_many();
  CodePointDfa count;
  const CodePointDfa any = CodePointDfa::any();
  for (uint32_t i = 0; i < counted; ++i) {
    CodePointDfa::State state = any.states[0];
    state.accept = i >= least;
    if (i + 1 < counted) {
      for (auto& e : state.edges) e.next = i + 1;
    } else if (bounded) {
      state.edges.clear();
    } else {
      for (auto& e : state.edges) e.next = i;
    }
    count.states.push_back(std::move(state));
  }
  return intersect(dfa, count);
}

CodePointDfa all_but(const std::vector<std::string>& words) {
  // A trie of the words, state 1 for whatever left it.
  std::vector<std::map<char32_t, uint32_t>> trie(2);
  std::vector<bool> is_word(2);
  for (const auto& word : words) {
    uint32_t s = 0;
    for (const char32_t c : text::decode_utf8(word)) {
      const auto [it, fresh] = trie[s].try_emplace(c, uint32_t(trie.size()));
      s = it->second;
      if (fresh) trie.emplace_back(), is_word.push_back(false);
    }
    is_word[s] = true;
  }
  const CodePointDfa any = CodePointDfa::any();
  CodePointDfa dfa;
  for (size_t s = 0; s < trie.size(); ++s) {
    CodePointDfa::State state;
    state.accept = !is_word[s];
    for (const auto& whole : any.states[0].edges) {
      char32_t from = whole.first;
      for (const auto& [c, next] : trie[s]) {
        if (c < from || c > whole.last) continue;
        if (from < c) state.edges.push_back({from, c - 1, 1});
        state.edges.push_back({c, c, next});
        from = c + 1;
      }
      if (from <= whole.last) state.edges.push_back({from, whole.last, 1});
    }
    dfa.states.push_back(std::move(state));
  }
  finish(dfa);
  return dfa;
}

}  // namespace maie::grammar
