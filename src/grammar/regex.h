#pragma once

#include <string_view>

#include "grammar/code_point_dfa.h"

namespace maie::grammar {

/// The strings in which `pattern` (ECMA 262, flag u) finds a match, as JSON Schema's `pattern`
/// means it: anywhere unless ^ and $ say otherwise. Literals, classes, \d \w \s and their
/// opposites, groups, |, * + ? {n} {n,} {n,m}. What no finite automaton can do (look-around, back
/// references) and what we do not know (\b, \p) is kUnsupported; bad syntax is kInvalidInput; more
/// than kMaxDfaStates states is kResourceExhausted.
Result<CodePointDfa> compile_regex(std::string_view pattern);

}  // namespace maie::grammar
