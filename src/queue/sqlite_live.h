#pragma once

#include <string>

namespace maie::queue {

/// Removes live.db and its side files. Processes that have it open notice and take the next one.
void remove_live_files(const std::string& folder);

}  // namespace maie::queue
