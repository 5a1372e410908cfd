#pragma once

#include <cstdint>
#include <string>

namespace maie {

/// "512 B", "1.5 KiB", "4.7 GiB": a size for people, one decimal.
std::string human_size(uint64_t bytes);

}  // namespace maie
