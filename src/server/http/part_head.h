#pragma once

#include <string_view>

#include "base/status.h"
#include "server/http/multipart.h"

namespace maie::http {

/// Reads the header lines of a part, each with its CR LF. kInvalidInput, with a sentence for the
/// client, when they are malformed or name no field.
Result<PartHead> parse_part_head(std::string_view lines);

}  // namespace maie::http
