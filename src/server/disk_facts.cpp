#include "server/disk_facts.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <filesystem>

namespace maie::server {

std::vector<FolderEntry> entries_of(const std::string& folder, mode_t kind) {
  namespace fs = std::filesystem;
  std::vector<FolderEntry> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    struct stat facts {};
    if (lstat(it->path().c_str(), &facts) != 0 || (facts.st_mode & S_IFMT) != kind) continue;
    entries.push_back({it->path().filename().string(),
                       int64_t{facts.st_mtim.tv_sec} * 1000 + facts.st_mtim.tv_nsec / 1'000'000,
                       uint64_t(facts.st_size)});
  }
  return entries;
}

Result<DiskSpace> space_of(const std::string& folder) {
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) != 0) return errno_status("the disk", errno);
  DiskSpace space;
  space.free = uint64_t{disk.f_bavail} * disk.f_frsize;
  space.used = (uint64_t{disk.f_blocks} - disk.f_bfree) * disk.f_frsize;
  space.total = space.used + space.free;
  return space;
}

}  // namespace maie::server
