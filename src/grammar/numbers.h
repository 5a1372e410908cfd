#pragma once

#include <optional>

#include "base/json.h"
#include "grammar/grammar.h"

namespace maie::grammar {

/// Digits of a number we write, before and after the point together: as many as a double keeps
/// exactly, so that no reader rounds a value over its bound.
inline constexpr int kNumberDigits = 15;

/// What a number may be. Bounds are compared as decimals, digit by digit, never as doubles.
struct NumberRules {
  struct Bound {
    std::string decimal;  ///< [-]digits[.digits]
    bool exclusive = false;
  };
  std::optional<Bound> least, most;
  bool integer = false;
  uint32_t multiple_of = 1;  ///< integers only, 1 to 1,000
};

/// A schema's number in plain decimal: "1e-3" gives "0.001".
std::string plain_decimal(const Json& number);

/// The automaton of the numbers that keep `rules`: no exponent, no minus zero, no leading zeros. A
/// node whose first state cannot be finished means that there is none.
Result<Node> number_node(const NumberRules& rules);

}  // namespace maie::grammar
