#include "grammar/json_string.h"

#include <algorithm>

namespace maie::grammar {
namespace {

struct Range {
  char32_t first, last;
};

uint32_t left_of(uint32_t lex) { return lex >> 24 & 15; }
uint32_t value_of(uint32_t lex) { return lex & 0xFFFFFF; }

bool room(const Node& node, uint32_t count) { return count < node.most; }

// Cheapest bytes to the closing quote after one more character out of `range`; UINT64_MAX: there
// is none.
uint64_t after_one_of(const Node& node, uint32_t state, uint32_t count, Range range) {
  if (!room(node, count) || range.first > range.last) return UINT64_MAX;
  if (node.free) {
    if (range.first >= 0xD800 && range.last <= 0xDFFF) return UINT64_MAX;
    const uint32_t have = count + 1;
    return uint64_t{have < node.least ? node.least - have : 0} + 1;
  }
  uint64_t best = UINT64_MAX;
  const auto& edges = node.dfa.states[state].edges;
  auto it =
      std::lower_bound(edges.begin(), edges.end(), range.first,
                       [](const CodePointDfa::Edge& e, char32_t value) { return e.last < value; });
  for (; it != edges.end() && it->first <= range.last; ++it)
    best = std::min<uint64_t>(best, node.dfa.states[it->next].cost);
  return best;
}

uint64_t smaller(uint64_t a, uint64_t b) { return std::min(a, b); }
uint64_t plus(uint64_t a, uint64_t b) { return a == UINT64_MAX ? a : a + b; }

// The code points that can still come of a \u escape with `left` digits missing.
Range hex_range(uint32_t left, uint32_t value) {
  const uint32_t shift = 4 * left;
  return {value << shift, (value << shift) + (1u << shift) - 1};
}
Range overlap(Range a, Range b) { return {std::max(a.first, b.first), std::min(a.last, b.last)}; }

// The bytes left of a partial character and then of the string.
uint64_t need_of(const Node& node, uint32_t state, uint32_t count, uint32_t lex) {
  const uint32_t left = left_of(lex), value = value_of(lex);
  const auto cost = [&](Range range) { return after_one_of(node, state, count, range); };
  switch (kind_of(lex)) {
    case Lex::kOpen:
      return node.free ? uint64_t{node.least} + 2 : uint64_t{node.dfa.states[0].cost} + 1;
    case Lex::kClean:
      if (node.free) return uint64_t{count < node.least ? node.least - count : 0} + 1;
      return node.dfa.states[state].cost;
    case Lex::kUtf8: {
      const uint32_t shift = 6 * left;
      Range range{value << shift, (value << shift) + (1u << shift) - 1};
      // What shorter forms could say, and what no code point is, was refused byte by byte; at the
      // first byte the range still holds some of it.
      const uint32_t lead = left == 3 ? 0x10000 : left == 2 && value < 16 ? 0x800 : 0;
      if (left == 3 || (left == 2 && range.first < 0x10000))
        range = overlap(range, {lead, 0x10FFFF});
      return plus(cost(range), left);
    }
    case Lex::kSlash: {
      uint64_t best = UINT64_MAX;
      for (const char32_t c : {U'"', U'\\', U'/', U'\b', U'\f', U'\n', U'\r', U'\t'})
        best = smaller(best, plus(cost({c, c}), 1));
      best = smaller(best, plus(smaller(cost({0, 0xD7FF}), cost({0xE000, 0xFFFF})), 5));
      return smaller(best, plus(cost({0x10000, 0x10FFFF}), 11));
    }
    case Lex::kHex: {
      const Range range = hex_range(left, value);
      const uint64_t plain =
          smaller(cost(overlap(range, {0, 0xD7FF})), cost(overlap(range, {0xE000, 0xFFFF})));
      const Range high = overlap(range, {0xD800, 0xDBFF});
      uint64_t pair = UINT64_MAX;
      if (high.first <= high.last)
        pair = cost({0x10000 + ((high.first - 0xD800) << 10),
                     0x10000 + ((high.last - 0xD800) << 10) + 0x3FF});
      return smaller(plus(plain, left), plus(pair, left + 6));
    }
    case Lex::kLowSlash:
    case Lex::kLowU: {
      const char32_t base = 0x10000 + (value << 10);
      return plus(cost({base, base + 0x3FF}), kind_of(lex) == Lex::kLowSlash ? 6 : 5);
    }
    case Lex::kLowHex: {
      // Ten bits of the high surrogate above, then up to three digits.
      const uint32_t done = 4 - left;
      const char32_t base = 0x10000 + ((value >> 12) << 10);
      const uint32_t digits = value & 0xFFF;
      Range low{0xDC00, 0xDFFF};
      if (done > 0) low = overlap(low, hex_range(left, digits));
      if (low.first > low.last) return UINT64_MAX;
      return plus(cost({base + (low.first - 0xDC00), base + (low.last - 0xDC00)}), left);
    }
  }
  return UINT64_MAX;
}

int hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

}  // namespace

uint64_t string_need(const Node& node, uint32_t state, uint32_t count, uint32_t lex) {
  return need_of(node, state, count, lex);
}

StringStep step_string(const Node& node, uint8_t byte, uint32_t& state, uint32_t& count,
                       uint32_t& lex) {
  const uint32_t left = left_of(lex), value = value_of(lex);
  const auto finish = [&](char32_t c) {
    if (!room(node, count)) return StringStep::kRefused;
    if (!node.free) {
      const int64_t next = node.dfa.next(state, c);
      if (next < 0) return StringStep::kRefused;
      state = uint32_t(next);
    }
    // Without bounds nothing needs the count, and equal states share their masks.
    if (node.most != kUnbounded || count < node.least) ++count;
    lex = pack(Lex::kClean);
    return StringStep::kInside;
  };
  // A character has begun: go on only if one that begins so may stand here.
  const auto begun = [&](uint32_t next) {
    if (need_of(node, state, count, next) == UINT64_MAX) return StringStep::kRefused;
    lex = next;
    return StringStep::kInside;
  };
  switch (kind_of(lex)) {
    case Lex::kOpen:
      if (byte != '"') return StringStep::kRefused;
      lex = pack(Lex::kClean);
      return StringStep::kInside;
    case Lex::kClean:
      if (byte == '"') {
        const bool whole = node.free ? count >= node.least : node.dfa.states[state].accept;
        return whole ? StringStep::kClosed : StringStep::kRefused;
      }
      if (byte < 0x20) return StringStep::kRefused;
      if (byte == '\\') return begun(pack(Lex::kSlash));
      if (byte < 0x80) return finish(byte);
      if (byte >= 0xC2 && byte <= 0xDF) return begun(pack(Lex::kUtf8, 1, byte & 0x1F));
      if (byte >= 0xE0 && byte <= 0xEF) return begun(pack(Lex::kUtf8, 2, byte & 0x0F));
      if (byte >= 0xF0 && byte <= 0xF4) return begun(pack(Lex::kUtf8, 3, byte & 0x07));
      return StringStep::kRefused;
    case Lex::kUtf8: {
      if ((byte & 0xC0) != 0x80) return StringStep::kRefused;
      const uint32_t more = value << 6 | (byte & 0x3F);
      if (left == 2 && value < 16) {
        // Second byte of three (the value is the lead's) or third of four (the value is larger
        // than fifteen, as four bytes begin at U+10000).
        if (more < 0x20 || (more >= 0x360 && more <= 0x37F)) return StringStep::kRefused;
      }
      if (left == 3 && (more < 0x10 || more > 0x10F)) return StringStep::kRefused;
      return left == 1 ? finish(more) : begun(pack(Lex::kUtf8, left - 1, more));
    }
    case Lex::kSlash:
      switch (byte) {
        case '"':
        case '\\':
        case '/': return finish(byte);
        case 'b': return finish('\b');
        case 'f': return finish('\f');
        case 'n': return finish('\n');
        case 'r': return finish('\r');
        case 't': return finish('\t');
        case 'u': return begun(pack(Lex::kHex, 4, 0));
        default: return StringStep::kRefused;
      }
    case Lex::kHex: {
      const int digit = hex_digit(byte);
      if (digit < 0) return StringStep::kRefused;
      const uint32_t more = value << 4 | uint32_t(digit);
      if (left > 1) return begun(pack(Lex::kHex, left - 1, more));
      if (more >= 0xDC00 && more <= 0xDFFF) return StringStep::kRefused;
      if (more >= 0xD800 && more <= 0xDBFF) return begun(pack(Lex::kLowSlash, 0, more - 0xD800));
      return finish(more);
    }
    case Lex::kLowSlash:
      return byte == '\\' ? begun(pack(Lex::kLowU, 0, value)) : StringStep::kRefused;
    case Lex::kLowU:
      return byte == 'u' ? begun(pack(Lex::kLowHex, 4, value << 12)) : StringStep::kRefused;
    case Lex::kLowHex: {
      const int digit = hex_digit(byte);
      if (digit < 0) return StringStep::kRefused;
      const uint32_t digits = (value & 0xFFF) << 4 | uint32_t(digit);
      if (left > 1) return begun(pack(Lex::kLowHex, left - 1, (value & ~0xFFFu) | digits));
      if (digits < 0xDC00 || digits > 0xDFFF) return StringStep::kRefused;
      return finish(0x10000 + ((value >> 12) << 10) + (digits - 0xDC00));
    }
  }
  return StringStep::kRefused;
}

}  // namespace maie::grammar
