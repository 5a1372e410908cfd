#pragma once

#include <string>

#include "base/json.h"

namespace maie::summary {

// Which part of a schema speaks of which value. What these return is part of `root` or of `schema`,
// or an empty object where nothing (or more than one thing) is said.

/// Follows $ref within `root`.
const Json& resolved(const Json& root, const Json& schema);

/// What `schema` says of its member `name`, resolved.
const Json& member_schema(const Json& root, const Json& schema, const std::string& name);

/// What `schema` says of every item of a list, resolved; nothing where places have rules of their
/// own (prefixItems).
const Json& item_schema(const Json& root, const Json& schema);

/// Whether the "type" of `schema` is `type`, or one of several.
bool has_type(const Json& schema, const char* type);

/// `schema` resolved; of anyOf and oneOf the one branch that names the type of `value`.
const Json& schema_for(const Json& root, const Json& schema, const Json& value);

}  // namespace maie::summary
