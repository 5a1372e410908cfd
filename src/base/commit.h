#pragma once

#include <string_view>

namespace maie {

/// First digits of the commit that was built, or "unknown" without git. In a library of its own,
/// maie_commit, so that a new commit links the program anew and no test of the other folders.
extern const std::string_view kCommit;

}  // namespace maie
