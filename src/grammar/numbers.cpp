// A number is compared with its bounds while it is written. Digits arrive from the front, so a
// state remembers how many came, how they compare with as many leading digits of each bound, and
// the remainder by multiple_of. Once the point (or the end) comes the length decides.
#include "grammar/numbers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace maie::grammar {
namespace {

// A bound without its sign.
struct Magnitude {
  std::string whole, fraction;  // "0" has the whole part ""
  bool exclusive = false;
  bool negative = false;
  bool zero() const { return whole.empty() && fraction.empty(); }
};

Magnitude parse(const NumberRules::Bound& bound) {
  Magnitude m;
  m.exclusive = bound.exclusive;
  std::string_view text = bound.decimal;
  if (text.starts_with('-')) m.negative = true, text.remove_prefix(1);
  const size_t point = text.find('.');
  m.whole = text.substr(0, point);
  if (point != std::string_view::npos) m.fraction = text.substr(point + 1);
  m.whole.erase(0, std::min(m.whole.find_first_not_of('0'), m.whole.size()));
  while (m.fraction.ends_with('0')) m.fraction.pop_back();
  if (m.zero()) m.negative = false;
  return m;
}

enum class Phase : uint8_t { kFirst, kZero, kWhole, kPoint, kFraction };
// Against a bound: -1 less, 0 equal so far, 1 greater.
struct State {
  Phase phase = Phase::kFirst;
  int8_t low = 0, high = 0;
  uint8_t whole = 0, fraction = 0;  // digits so far
  uint32_t remainder = 0;
  auto operator<=>(const State&) const = default;
};

class Builder {
 public:
  Builder(const NumberRules& rules, std::optional<Magnitude> low, std::optional<Magnitude> high)
      : rules_(rules), low_(std::move(low)), high_(std::move(high)) {}

  // Appends the automaton of one sign to `node`; returns its first state.
  Result<uint32_t> append(Node& node) {
    base_ = uint32_t(node.states.size());
    std::vector<State> todo{{}};
    ids_[todo[0]] = 0;
    for (size_t i = 0; i < todo.size(); ++i) {
      if (todo.size() > 100'000) return resource_exhausted("multipleOf is too large");
      const State s = todo[i];
      Node::State out;
      out.accept = accepts(s);
      const auto go = [&](uint8_t byte, const State& next) {
        const auto [it, fresh] = ids_.try_emplace(next, uint32_t(todo.size()));
        if (fresh) todo.push_back(next);
        const uint32_t id = base_ + it->second;
        if (!out.edges.empty() && out.edges.back().next == id &&
            out.edges.back().last + 1 == byte) {
          out.edges.back().last = byte;
        } else {
          out.edges.push_back({byte, byte, id});
        }
      };
      if (!rules_.integer && s.whole + s.fraction < kNumberDigits &&
          (s.phase == Phase::kZero || s.phase == Phase::kWhole)) {
        go('.', at_point(s));
      }
      for (char d = '0'; d <= '9'; ++d) {
        if (const auto next = digit(s, d)) go(uint8_t(d), *next);
      }
      node.states.push_back(std::move(out));
    }
    return base_;
  }

 private:
  static int8_t compare(int8_t before, char digit, char bound) {
    return before != 0 ? before : int8_t(digit < bound ? -1 : digit > bound);
  }
  // The comparison of whole parts once both lengths are known.
  static int8_t whole_result(int8_t prefix, size_t digits, const Magnitude& bound) {
    if (digits != bound.whole.size()) return digits < bound.whole.size() ? -1 : 1;
    return prefix;
  }
  static char digit_at(const std::string& digits, size_t i) {
    return i < digits.size() ? digits[i] : '0';
  }

  std::optional<State> digit(const State& s, char d) const {
    State next = s;
    if (s.whole + s.fraction >= kNumberDigits) return std::nullopt;
    switch (s.phase) {
      case Phase::kFirst:
      case Phase::kWhole:
        if (d == '0' && s.phase == Phase::kFirst) {
          next.phase = Phase::kZero;  // no digits: the whole part of a bound below one is empty too
          return next;
        }
        next.phase = Phase::kWhole;
        if (low_) next.low = compare(s.low, d, digit_at(low_->whole, s.whole));
        if (high_) next.high = compare(s.high, d, digit_at(high_->whole, s.whole));
        next.remainder = (s.remainder * 10 + uint32_t(d - '0')) % rules_.multiple_of;
        ++next.whole;
        return next;
      case Phase::kPoint:
      case Phase::kFraction:
        next.phase = Phase::kFraction;
        if (low_) next.low = compare(s.low, d, digit_at(low_->fraction, s.fraction));
        if (high_) next.high = compare(s.high, d, digit_at(high_->fraction, s.fraction));
        ++next.fraction;
        return next;
      case Phase::kZero: break;
    }
    return std::nullopt;
  }

  State at_point(State s) const {
    s.phase = Phase::kPoint;
    if (low_) s.low = whole_result(s.low, s.whole, *low_);
    if (high_) s.high = whole_result(s.high, s.whole, *high_);
    return s;
  }

  bool accepts(State s) const {
    if (s.phase == Phase::kFirst || s.phase == Phase::kPoint) return false;
    if (s.remainder != 0) return false;
    if (s.phase != Phase::kFraction) s = at_point(s);
    const auto result = [&](int8_t so_far, const Magnitude& bound) {
      if (so_far == 0 && s.fraction < bound.fraction.size()) return -1;  // no zeros at its end
      return int(so_far);
    };
    if (low_) {
      const int r = result(s.low, *low_);
      if (r < 0 || (r == 0 && low_->exclusive)) return false;
    }
    if (high_) {
      const int r = result(s.high, *high_);
      if (r > 0 || (r == 0 && high_->exclusive)) return false;
    }
    return true;
  }

  const NumberRules& rules_;
  std::optional<Magnitude> low_, high_;
  std::map<State, uint32_t> ids_;
  uint32_t base_ = 0;
};

}  // namespace

std::string plain_decimal(const Json& number) {
  if (!number.is_number_float()) return number.dump();
  std::array<char, 2048> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(),
                                          number.get<double>(), std::chars_format::fixed);
  check(error == std::errc(), "a double fits into 2,048 characters");
  return std::string(text.data(), end);
}

Result<Node> number_node(const NumberRules& rules) {
  std::optional<Magnitude> least, most;
  if (rules.least) least = parse(*rules.least);
  if (rules.most) most = parse(*rules.most);
  for (const auto* bound : {&least, &most}) {
    if (*bound && (*bound)->fraction.size() > size_t(kNumberDigits)) {
      return unsupported("a bound of more than " + std::to_string(kNumberDigits) +
                         " decimals; round it");
    }
  }
  Node node;
  node.states.emplace_back();
  // Zero and above.
  if (!most || !most->negative) {
    auto low = least && !least->negative ? least : std::nullopt;
    MAIE_ASSIGN(const uint32_t first, Builder(rules, low, most).append(node));
    node.states[0] = node.states[first];
  }
  // Below zero: the magnitude lies above zero, above the upper bound's and below the lower one's.
  if (!least || least->negative) {
    Magnitude low;
    low.exclusive = true;
    if (most && most->negative) low = *most;
    MAIE_ASSIGN(const uint32_t first, Builder(rules, low, least).append(node));
    auto& edges = node.states[0].edges;
    edges.insert(edges.begin(), {uint8_t('-'), uint8_t('-'), first});
  }
  return node;
}

}  // namespace maie::grammar
