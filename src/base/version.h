#pragma once

#include <string_view>

namespace maie {

/// Version of the program, e.g. "0.1.0"; set in the top CMakeLists.txt and nowhere else.
extern const std::string_view kVersion;

}  // namespace maie
