#pragma once

#include <string>

#include "server/json_members.h"

namespace maie::server {

/// What an answer has to fit.
struct ResponseFormat {
  std::string schema = {};  ///< JSON Schema; empty: free text
  std::string name = {};
};

/// Reads and compiles `response_format` (docs/spec/interfaces.md, 6.3). What cannot be enforced is
/// refused in `members`, with the pointer of the keyword: no answer is ever free where a form was
/// asked for.
ResponseFormat read_response_format(JsonMembers& members, int64_t max_tokens);

}  // namespace maie::server
