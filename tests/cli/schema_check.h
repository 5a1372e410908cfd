#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace maie::cli {

/// What in `value` does not fit `schema`, one sentence each with the place. Knows the keywords that
/// docs/transcript.schema.json uses: type, required, properties, additionalProperties (false),
/// items, enum, minimum, maximum, $ref to #/$defs. An unknown keyword is a fault too, so that none
/// is silently not checked.
std::vector<std::string> schema_faults(const Json& schema, const Json& value);

}  // namespace maie::cli
