#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"

namespace maie::summary {

/// The answer of a model without white space at its ends and without a Markdown fence (``` on the
/// first and the last line) around it.
std::string_view without_fences(std::string_view answer);

/// The document in an answer. kInvalidInput "JSON decode error: ...".
Result<Json> parse_answer(std::string_view answer);

/// Whether `document` keeps `schema`. kInvalidInput "Schema validation failed: <what> (at path: a
/// -> b)" for the first thing that is wrong.
Status check_schema(const Json& schema, const Json& document);

/// The corrected text in the answer of an enhancement: the member "văn_bản_cải_thiện" where it is a
/// JSON object that has one, else the answer itself without fences.
std::string enhanced_text(std::string_view answer);

}  // namespace maie::summary
