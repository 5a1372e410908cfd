#pragma once

#include <span>
#include <string>

#include "formats/safetensors.h"

namespace maie::formats {

/// One SHA-256 for all files of a model: of the lines "sha256  name" in the order given. The digest
/// of each file is remembered under $XDG_CACHE_HOME/maie (else ~/.cache/maie) by path, size and
/// time of change, so that only the first run reads them. Empty when a file cannot be read.
std::string hash_of_files(std::span<const ModelFile> files);

}  // namespace maie::formats
