#pragma once

#include <string>

#include "base/status.h"
#include "summary/transcript.h"

namespace maie::cli {

/// Reads a text to clean or sum up: "-" is standard input. A JSON document of `maie transcribe` or
/// `maie process` gives its segments with their times; anything else is text, a turn a line.
/// kInvalidInput past 64 MiB, kNotFound, ... as read_file.
Result<summary::Transcript> read_text_input(const std::string& path);

}  // namespace maie::cli
