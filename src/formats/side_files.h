#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "base/status.h"
#include "formats/safetensors.h"

namespace maie::formats {

enum class Presence { kRequired, kOptional };

/// The text of a small file in a model's folder, at most 64 MiB; empty when there is none and it
/// is optional.
Result<std::string> read_side_file(const std::string& directory, const char* name,
                                   Presence presence);

/// Those of `names` that exist in the folder, with their sizes.
std::vector<ModelFile> existing_files(const std::string& directory,
                                      std::initializer_list<const char*> names);

}  // namespace maie::formats
