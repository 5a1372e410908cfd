// Pattern -> Thompson automaton -> subset construction. The anchors are empty edges that may be
// taken only before the first and after the last code point. The pattern is parsed by recursive
// descent straight into the automaton; a counted repeat parses its atom again for each copy.
#include "grammar/regex.h"

#include <algorithm>
#include <map>

#include "text/utf8.h"

namespace maie::grammar {
namespace {

constexpr char32_t kLastCodePoint = 0x10FFFF;
constexpr size_t kMaxNfaStates = 20'000;
constexpr size_t kMaxWork = 20'000'000;  // steps of the subset construction
constexpr size_t kMaxAtoms = 200'000;    // parsed in all, copies counted
constexpr int kMaxGroups = 50;

struct Range {
  char32_t first, last;
};
using Ranges = std::vector<Range>;

Ranges normalised(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  Ranges out;
  for (const auto& r : ranges) {
    if (!out.empty() && r.first <= out.back().last + 1) {
      out.back().last = std::max(out.back().last, r.last);
    } else {
      out.push_back(r);
    }
  }
  return out;
}

Ranges complement(Ranges ranges) {
  Ranges out;
  char32_t from = 0;
  for (const auto& r : normalised(std::move(ranges))) {
    if (r.first > from) out.push_back({from, r.first - 1});
    from = r.last + 1;
  }
  if (from <= kLastCodePoint) out.push_back({from, kLastCodePoint});
  return out;
}

enum class Kind { kEmpty, kAtStart, kAtEnd, kRanges };

struct NfaEdge {
  Kind kind;
  uint32_t next;
  Ranges ranges;
};
using Nfa = std::vector<std::vector<NfaEdge>>;

class Parser {
 public:
  explicit Parser(std::u32string pattern) : text_(std::move(pattern)) {}

  Status run() {
    new_state();  // 0: before the match, 1: after it
    new_state();
    const Ranges all{{0, kLastCodePoint}};
    link(0, 0, Kind::kRanges, all);
    link(1, 1, Kind::kRanges, all);
    const uint32_t last = alternatives(0, 0);
    if (error_.ok() && at_ < text_.size()) fail("a ) without its (");
    link(last, 1, Kind::kEmpty);
    return error_;
  }
  const Nfa& nfa() const { return nfa_; }

 private:
  bool more() const { return error_.ok() && at_ < text_.size(); }
  bool take(char32_t c) {
    if (!more() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void fail(const std::string& what, bool known = false) {
    if (!error_.ok()) return;
    error_ = Status(known ? Code::kUnsupported : Code::kInvalidInput,
                    "the pattern has " + what + " at character " + std::to_string(at_) +
                        "; write it with literals, classes, groups, | * + ? {n,m} ^ $");
  }
  uint32_t new_state() {
    if (nfa_.size() >= kMaxNfaStates && error_.ok()) {
      error_ = resource_exhausted("the pattern is longer than " + std::to_string(kMaxNfaStates) +
                                  " steps once its counts are written out; lower the counts");
    }
    nfa_.emplace_back();
    return uint32_t(nfa_.size() - 1);
  }
  void link(uint32_t from, uint32_t to, Kind kind, Ranges ranges = {}) {
    nfa_[from].push_back({kind, to, std::move(ranges)});
  }

  uint32_t alternatives(uint32_t from, int depth) {
    const uint32_t end = new_state();
    if (depth > kMaxGroups) fail("groups nested too deep");
    do {
      const uint32_t start = new_state();
      link(from, start, Kind::kEmpty);
      link(sequence(start, depth), end, Kind::kEmpty);
    } while (take('|'));
    return end;
  }

  uint32_t sequence(uint32_t from, int depth) {
    while (more() && text_[at_] != '|' && text_[at_] != ')') from = repeated(from, depth);
    return from;
  }

  uint32_t repeated(uint32_t from, int depth) {
    if (take('^')) return anchor(from, Kind::kAtStart);
    if (take('$')) return anchor(from, Kind::kAtEnd);
    const size_t begin = at_;
    const uint32_t mark = uint32_t(nfa_.size());
    const uint32_t entry = new_state();
    const uint32_t once = atom(entry, depth);
    uint64_t least = 1, most = 1;
    if (!quantifier(least, most)) {
      link(from, entry, Kind::kEmpty);
      return once;
    }
    take('?');  // lazy or greedy: the same strings match
    const size_t after = at_;
    nfa_.resize(mark);  // written again, once for each copy; nothing outside points to it yet
    const auto copy = [&](uint32_t state) {
      at_ = begin;
      const uint32_t end = atom(state, depth);
      at_ = after;
      return end;
    };
    for (uint64_t i = 0; i < least && error_.ok(); ++i) from = copy(fresh_after(from));
    if (most == UINT64_MAX) {
      const uint32_t loop = fresh_after(from);
      link(copy(loop), loop, Kind::kEmpty);
      return fresh_after(loop);
    }
    const uint32_t end = new_state();
    for (uint64_t i = least; i < most && error_.ok(); ++i) {
      link(from, end, Kind::kEmpty);
      from = copy(fresh_after(from));
    }
    link(from, end, Kind::kEmpty);
    return end;
  }

  uint32_t fresh_after(uint32_t from) {
    const uint32_t state = new_state();
    link(from, state, Kind::kEmpty);
    return state;
  }
  uint32_t anchor(uint32_t from, Kind kind) {
    const uint32_t state = new_state();
    link(from, state, kind);
    return state;
  }

  bool quantifier(uint64_t& least, uint64_t& most) {
    if (take('*')) return least = 0, most = UINT64_MAX, true;
    if (take('+')) return least = 1, most = UINT64_MAX, true;
    if (take('?')) return least = 0, most = 1, true;
    if (!take('{')) return false;
    const auto number = [&](uint64_t& value) {
      const size_t begin = at_;
      value = 0;
      while (more() && text_[at_] >= '0' && text_[at_] <= '9') {
        value = std::min<uint64_t>(value * 10 + (text_[at_++] - '0'), kMaxNfaStates);
      }
      return at_ > begin;
    };
    if (!number(least)) fail("a { without a count");
    most = least;
    if (take(',') && !number(most)) most = UINT64_MAX;
    if (!take('}')) fail("a { without its }");
    if (most < least) fail("a count whose upper bound is below the lower");
    return true;
  }

  uint32_t atom(uint32_t from, int depth) {
    const uint32_t to = from;
    if (!more()) return to;
    if (++atoms_ > kMaxAtoms) {
      error_ = resource_exhausted("the pattern nests its repeats too deep; write it flatter");
      return to;
    }
    if (take('(')) {
      if (take('?')) {
        if (take('<') && more() && text_[at_] != '=' && text_[at_] != '!') {
          while (more() && !take('>')) ++at_;
        } else if (!take(':')) {
          fail("a look-around", true);
        }
      }
      const uint32_t end = alternatives(from, depth + 1);
      if (!take(')')) fail("a ( without its )");
      return end;
    }
    const char32_t c = text_[at_];
    if (c == '*' || c == '+' || c == '?' || c == '{' || c == '}' || c == ']') {
      fail("a " + std::string(1, char(c)) + " with nothing before it (write \\ in front of it)");
      return to;
    }
    ++at_;
    if (c == '.') return step(from, complement({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}));
    if (c == '[') return step(from, char_class());
    if (c == '\\') {
      bool single = false;
      return step(from, escape(false, single));
    }
    return step(from, {{c, c}});
  }

  uint32_t step(uint32_t from, Ranges ranges) {
    const uint32_t to = new_state();
    link(from, to, Kind::kRanges, std::move(ranges));
    return to;
  }

  // After the [.
  Ranges char_class() {
    const bool negated = take('^');
    Ranges all;
    while (more() && text_[at_] != ']') {
      bool single = true;
      Ranges part = class_atom(single);
      if (single && at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        ++at_;
        bool single_end = true;
        const Ranges end = class_atom(single_end);
        if (!single_end || part.empty() || end.empty() || end[0].first < part[0].first) {
          fail("a range in a class whose ends are not in order");
          return {};
        }
        part[0].last = end[0].first;
      }
      all.insert(all.end(), part.begin(), part.end());
    }
    if (!take(']')) fail("a [ without its ]");
    return negated ? complement(std::move(all)) : normalised(std::move(all));
  }

  Ranges class_atom(bool& single) {
    if (take('\\')) return escape(true, single);
    if (!more()) return {};
    const char32_t c = text_[at_++];
    return {{c, c}};
  }

  // After the backslash; `single`: the result is one code point.
  Ranges escape(bool in_class, bool& single) {
    if (!more()) {
      fail("a backslash at its end");
      return {};
    }
    const char32_t c = text_[at_++];
    single = false;
    const Ranges digits{{'0', '9'}};
    const Ranges word{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    const Ranges space{{0x09, 0x0D},     {0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680},
                       {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                       {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
    switch (c) {
      case 'd': return digits;
      case 'D': return complement(digits);
      case 'w': return word;
      case 'W': return complement(word);
      case 's': return space;
      case 'S': return complement(space);
      default: break;
    }
    single = true;
    const auto one = [](char32_t value) { return Ranges{{value, value}}; };
    switch (c) {
      case 't': return one('\t');
      case 'n': return one('\n');
      case 'r': return one('\r');
      case 'f': return one('\f');
      case 'v': return one('\v');
      case '0': return one(0);
      case 'x': return one(hex(2));
      case 'u': return one(unicode());
      case 'b':
        if (in_class) return one('\b');
        break;
      default: break;
    }
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter || (c >= '1' && c <= '9')) {
      fail("the escape \\" + std::string(1, char(c)), true);
      return {};
    }
    return one(c);
  }

  char32_t hex(int digits) {
    char32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const char32_t c = more() ? text_[at_] : U' ';
      const int digit = c >= '0' && c <= '9'   ? int(c - '0')
                        : c >= 'a' && c <= 'f' ? int(c - 'a') + 10
                        : c >= 'A' && c <= 'F' ? int(c - 'A') + 10
                                               : -1;
      if (digit < 0) {
        fail("an escape without its hexadecimal digits");
        return 0;
      }
      value = value * 16 + char32_t(digit);
      ++at_;
    }
    return value;
  }
  char32_t unicode() {
    if (!take('{')) return hex(4);
    char32_t value = 0;
    int digits = 0;
    while (more() && text_[at_] != '}' && digits < 6) value = value * 16 + hex(1), ++digits;
    if (!take('}') || digits == 0 || value > kLastCodePoint) fail("a bad \\u{...}");
    return std::min(value, kLastCodePoint);
  }

  std::u32string text_;
  size_t at_ = 0;
  size_t atoms_ = 0;
  Nfa nfa_;
  Status error_;
};

// Sets of automaton states that are reached together become one state.
class Subsets {
 public:
  explicit Subsets(const Nfa& nfa) : nfa_(nfa), mark_(nfa.size()) {
    std::vector<char32_t> cuts{0, 0xD800, 0xE000};
    for (const auto& edges : nfa) {
      for (const auto& e : edges) {
        for (const auto& r : e.ranges) cuts.push_back(r.first), cuts.push_back(r.last + 1);
      }
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    cuts_ = std::move(cuts);
  }

  Result<CodePointDfa> build() {
    CodePointDfa dfa;
    std::map<std::vector<uint32_t>, uint32_t> ids;
    std::vector<std::vector<uint32_t>> todo{closure({0}, true, false)};
    std::vector<uint32_t> first = todo[0];
    first.push_back(UINT32_MAX);  // the start is its own state: only there ^ holds
    ids[first] = 0;
    for (size_t i = 0; i < todo.size(); ++i) {
      const auto set = todo[i];
      CodePointDfa::State state;
      const auto ended = closure(set, i == 0, true);
      state.accept = std::find(ended.begin(), ended.end(), 1u) != ended.end();
      for (size_t c = 0; c < cuts_.size(); ++c) {
        const char32_t low = cuts_[c];
        if (low > kLastCodePoint || (low >= 0xD800 && low < 0xE000)) continue;
        const char32_t high = c + 1 < cuts_.size() ? cuts_[c + 1] - 1 : kLastCodePoint;
        std::vector<uint32_t> moved;
        for (const uint32_t s : set) {
          for (const auto& e : nfa_[s]) {
            if (e.kind != Kind::kRanges) continue;
            work_ += e.ranges.size();
            for (const auto& r : e.ranges) {
              if (r.first <= low && low <= r.last) moved.push_back(e.next);
            }
          }
        }
        if (moved.empty()) continue;
        auto next = closure(moved, false, false);
        const auto [it, fresh] = ids.try_emplace(next, uint32_t(todo.size()));
        if (fresh) todo.push_back(std::move(next));
        if (todo.size() > kMaxDfaStates || work_ > kMaxWork) {
          return resource_exhausted(
              "the pattern needs too large an automaton; make it simpler or its counts smaller");
        }
        auto& edges = state.edges;
        if (!edges.empty() && edges.back().next == it->second && edges.back().last + 1 == low) {
          edges.back().last = high;
        } else {
          edges.push_back({low, high, it->second});
        }
      }
      dfa.states.push_back(std::move(state));
    }
    finish(dfa);
    return dfa;
  }

 private:
  std::vector<uint32_t> closure(const std::vector<uint32_t>& from, bool at_start, bool at_end) {
    ++round_;
    std::vector<uint32_t> out;
    const auto visit = [&](uint32_t s) {
      if (mark_[s] == round_) return;
      mark_[s] = round_;
      out.push_back(s);
    };
    for (const uint32_t s : from) visit(s);
    for (size_t i = 0; i < out.size(); ++i) {
      ++work_;
      for (const auto& e : nfa_[out[i]]) {
        if (e.kind == Kind::kEmpty || (e.kind == Kind::kAtStart && at_start) ||
            (e.kind == Kind::kAtEnd && at_end)) {
          visit(e.next);
        }
      }
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  const Nfa& nfa_;
  std::vector<char32_t> cuts_;
  std::vector<uint32_t> mark_;
  uint32_t round_ = 0;
  size_t work_ = 0;
};

}  // namespace

Result<CodePointDfa> compile_regex(std::string_view pattern) {
  Parser parser(text::decode_utf8(pattern));
  MAIE_TRY(parser.run());
  return Subsets(parser.nfa()).build();
}

}  // namespace maie::grammar
