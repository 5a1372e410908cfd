#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json.h"
#include "summary/list_merge.h"

namespace maie::summary {

/// An item of a list in a merged summary, and the parts it came from.
struct Origin {
  std::string pointer;
  std::vector<size_t> parts;
};

struct Merged {
  Json value;
  std::vector<Origin> origins;  ///< of every item of every list, in order
};

/// One summary of those of several parts, by rule. Lists are joined: what is nearly the same is
/// kept once (the more complete one) as long as `minItems` are left, numbers and flags all stay,
/// and where more are left than `maxItems` the parts take turns, items that several parts have
/// going first. Texts that differ: long ones (a maxLength of 500 and more) share their length
/// between the parts, by whole sentences where they can; of others, values from a list (`enum`) go
/// by majority, "mixed" where there is none and the list has it, and else the first counts. Numbers
/// are averaged. null gives way to anything else. Every value of `parts` keeps `schema`.
Merged merge_by_rule(const Json& schema, const std::vector<Json>& parts);

/// Every item of every list of a summary that is not merged (part 0); items within items are part
/// of those.
std::vector<Origin> list_items(const Json& summary);

/// The schema of those texts in which the parts differ, for a model to make one of: an object with
/// these members only, also within objects; null when there are none.
Json differing_texts(const Json& schema, const std::vector<Json>& parts);

/// Those members of `value` that `schema` (from differing_texts) has.
Json only_members(const Json& value, const Json& schema);

/// Puts the members of `update` into `value`, objects member by member.
void overlay(Json& value, const Json& update);

}  // namespace maie::summary
