#pragma once

#include <cstdint>
#include <string>

namespace maie::server {

/// What went, and what could not.
struct FolderRemoval {
  bool removed = false;  ///< the folder itself is gone
  int64_t files = 0;
  uint64_t bytes = 0;  ///< on the disk, of files that no other name holds
  int64_t failures = 0;
  std::string first_failure;  ///< name within the folder and the system's words; for the log
};

/// Removes `parent`/`name` with all that is in it. A symbolic link is removed, never followed, also
/// one that takes a folder's place meanwhile; what cannot be removed is left and the rest still
/// goes.
FolderRemoval remove_folder(const std::string& parent, const std::string& name);

/// Bytes on the disk below a folder, links not followed; 0 where there is none.
uint64_t folder_bytes(const std::string& folder);

}  // namespace maie::server
