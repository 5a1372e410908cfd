#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace maie::grammar {

/// One automaton over Unicode code points; the strings it accepts are decoded JSON string values.
/// Every state can reach an accepting one, so a missing edge is the only way to fail. Immutable
/// once built.
struct CodePointDfa {
  struct Edge {
    char32_t first, last;  ///< inclusive; never a surrogate
    uint32_t next;
  };
  struct State {
    std::vector<Edge> edges;  ///< ascending, disjoint
    bool accept = false;
    uint32_t cost = 0;  ///< fewest bytes that finish the string from here, closing quote included
  };
  std::vector<State> states;  ///< 0 is the start; none: the automaton accepts nothing

  bool empty() const { return states.empty(); }
  /// The state after `c`, or -1.
  int64_t next(uint32_t state, char32_t c) const;
  /// Every string at all, as one state.
  static CodePointDfa any();
};

/// Sizes past which building stops with kResourceExhausted.
inline constexpr size_t kMaxDfaStates = 20'000;

/// Strings that both accept.
Result<CodePointDfa> intersect(const CodePointDfa& a, const CodePointDfa& b);

/// Strings of `least` to `most` code points that `dfa` accepts.
Result<CodePointDfa> with_length(const CodePointDfa& dfa, uint32_t least, uint32_t most);

/// Every string that is none of `words` (UTF-8).
CodePointDfa all_but(const std::vector<std::string>& words);

/// Removes what cannot reach acceptance and fills in `cost`. For those who build automata.
void finish(CodePointDfa& dfa);

/// Bytes of `c` inside a JSON string, in its shortest spelling.
uint32_t json_size(char32_t c);

}  // namespace maie::grammar
