#pragma once

#include <string>

#include "grammar/code_point_dfa.h"

namespace maie::grammar {

/// The strings of a JSON Schema `format`: date, time, date-time, uuid, email. Anything else is
/// kUnsupported.
Result<CodePointDfa> format_dfa(const std::string& format);

}  // namespace maie::grammar
