#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace maie::server {

struct FolderEntry {
  std::string name;
  int64_t modified_ms = 0;  ///< Unix time
  uint64_t bytes = 0;
};

/// What lies in a folder and is of that kind (S_IFREG, S_IFDIR) itself, not through a link. An
/// unreadable folder is an empty one.
std::vector<FolderEntry> entries_of(const std::string& folder, mode_t kind);

/// Bytes of a file system; free is what a program without special rights may still write.
struct DiskSpace {
  uint64_t total = 0, used = 0, free = 0;
};
Result<DiskSpace> space_of(const std::string& folder);

}  // namespace maie::server
