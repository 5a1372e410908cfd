#pragma once

#include <set>

#include "base/json.h"
#include "base/status.h"

namespace maie::grammar {

/// True for keywords that only describe. Unknown words count as such, as the standard has it.
bool is_annotation(const std::string& keyword);

/// Refuses, by pointer, the keywords of JSON Schema that forbid something and that we cannot
/// enforce. `pointer` is where `schema` stands.
Status refuse_unsupported(const Json& schema, const std::string& pointer);

/// The schema that allows what both allow; kUnsupported when we cannot write it as one.
Result<Json> merge_schemas(const Json& a, const Json& b, const std::string& pointer);

/// Whether no value can satisfy both; false when in doubt.
bool surely_disjoint(const Json& a, const Json& b);

/// The names in `type`; all seven where it is absent.
std::set<std::string> types_of(const Json& schema);

/// "schema#/properties/x: what".
Status at_pointer(Code code, const std::string& pointer, const std::string& what);
/// `name` as one step of a JSON pointer.
std::string pointer_step(const std::string& name);

}  // namespace maie::grammar
