#pragma once

#include <string>
#include <vector>

#include "grammar/grammar.h"

namespace maie::grammar {

/// The automaton of exactly these texts (not empty).
Node literal_node(const std::vector<std::string>& texts);

/// An object's parts, in the order they are written.
struct ObjectRules {
  struct Member {
    std::string name;
    uint32_t node = 0;
    bool required = false;
  };
  std::vector<Member> members;
  int64_t extra_key = -1, extra_value = -1;  ///< nodes of further members, after the listed; or -1
};

/// The automaton of an object; kResourceExhausted past `max_states`.
Result<Node> object_node(const ObjectRules& rules, size_t max_states);

}  // namespace maie::grammar
