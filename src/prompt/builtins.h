#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "prompt/value.h"

/// The tables of what a template can call by name.
namespace maie::prompt {

/// nullptr when there is none of that name.
Builtin find_filter(std::string_view name);
Builtin find_test(std::string_view name);
Builtin find_global(std::string_view name);

struct Named {
  std::string_view name;
  Builtin builtin;
};

/// `value.name` where that is a method of strings, lists or dictionaries, bound to the value. A
/// method that would change its object gives an undefined value, as in jinja2's immutable sandbox.
/// Nothing (kNone) when the type has no such attribute.
Value method_of(Heap& heap, const Value& value, std::string_view name);

// The parts of the tables, each in its file.
const std::vector<Named>& text_filters();
const std::vector<Named>& number_filters();
const std::vector<Named>& list_filters();
const std::vector<Named>& select_filters();
const std::vector<Named>& text_methods();

}  // namespace maie::prompt
