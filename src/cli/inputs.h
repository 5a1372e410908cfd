#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace maie::cli {

/// One recording named by the command line, or why it cannot be one.
struct Input {
  std::string path;  ///< "-" for standard input
  Status status;     ///< not ok: nothing to open; the message does not repeat the path
};

inline constexpr std::string_view kStandardInput = "-";

/// Turns the arguments into files, in the order given: a file stands for itself, a directory for
/// the audio and video files in it (sorted, by extension; its sub-directories too when
/// `recursive`), an argument with *, ? or [ that is no file for what it matches, "-" for standard
/// input. A file named twice is taken once.
std::vector<Input> expand_inputs(const std::vector<std::string>& arguments, bool recursive);

/// Whether a file of this name is taken from a directory.
bool has_media_extension(std::string_view path);

}  // namespace maie::cli
