#pragma once

#include <memory>
#include <string>

#include "prompt/ast.h"
#include "prompt/lexer.h"
#include "prompt/limits.h"

namespace maie::prompt {

/// Parses one template file. Throws Failure with the line of what is wrong.
std::shared_ptr<const Unit> parse_unit(std::string name, std::string source,
                                       const Whitespace& whitespace, const Limits& limits);

}  // namespace maie::prompt
