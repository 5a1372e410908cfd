#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace maie::grammar {

/// What is wrong with a document.
struct Violation {
  std::string pointer;  ///< JSON pointer into the document
  std::string what;
};

/// Asks valijson (code that is not ours) whether `document` keeps `schema`: the first `limit`
/// violations, none when it is valid. prefixItems and $defs are translated to draft 7, which
/// valijson reads. `format` is not judged. kInvalidInput when the schema itself cannot be read.
/// Any thread.
Result<std::vector<Violation>> validate(const Json& schema, const Json& document, size_t limit = 8);

}  // namespace maie::grammar
