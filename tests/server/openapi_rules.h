#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace maie::server {

/// What in a document breaks the rules of OpenAPI 3.1 that can be checked without its schema:
/// members that must be there, references, parameters of paths, unique names, forms of schemas.
std::vector<std::string> openapi_problems(const Json& document);

}  // namespace maie::server
