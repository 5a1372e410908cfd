#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace maie::summary {

/// The schema is an object with "type": "object" (docs/spec/service.md, 6.4); `id` is for the
/// message.
Status check_object_schema(const Json& schema, const std::string& id);

/// It has a field "tags" or "thẻ": a list of strings, at least one, at most ten.
Status check_tags(const Json& schema, const std::string& id);

/// A grammar can be made of it: every keyword is one we keep, and some document keeps it.
Status check_grammar(const Json& schema);

/// Names and strings in NFC, as everything here is stored and compared.
Json in_nfc(const Json& value);

/// "sha256:" and the hash of compact JSON with sorted keys.
std::string hash_of(const Json& value);

/// What people call a template: `tiêu_đề`, `title`, else its id in title case.
std::string name_of(const Json& schema, const std::string& id);

}  // namespace maie::summary
