// Walks by file descriptors (openat, unlinkat) so that a path that changes under us cannot lead
// elsewhere.
#include "server/folder_removal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>

namespace maie::server {
namespace {

constexpr int kMostDepth = 32;  // a folder of a task has one level
constexpr uint64_t kBlockBytes = 512;

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

// A folder below `parent`, never through a link. Null with errno when it is none.
Folder open_folder(int parent, const char* name) {
  const int file = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return Folder(nullptr, closedir);
  DIR* folder = fdopendir(file);
  if (folder == nullptr) close(file);
  return Folder(folder, closedir);
}

void for_each_entry(DIR* folder, const std::function<void(const char* name)>& visit) {
  while (const dirent* entry = readdir(folder)) {
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
      visit(entry->d_name);
  }
}

void note_failure(FolderRemoval& removal, const std::string& name, int error) {
  if (removal.failures++ == 0) removal.first_failure = name + ": " + std::strerror(error);
}

void remove_file(int folder, const char* name, const struct stat& facts, FolderRemoval& removal) {
  if (unlinkat(folder, name, 0) != 0) {
    if (errno != ENOENT) note_failure(removal, name, errno);
    return;
  }
  ++removal.files;
  if (facts.st_nlink == 1) removal.bytes += uint64_t(facts.st_blocks) * kBlockBytes;
}

bool remove_below(int parent, const char* name, int depth, FolderRemoval& removal) {
  const Folder folder = open_folder(parent, name);
  if (folder == nullptr || depth > kMostDepth) {
    note_failure(removal, name, folder == nullptr ? errno : ELOOP);
    return false;
  }
  const int here = dirfd(folder.get());
  for_each_entry(folder.get(), [&](const char* entry) {
    struct stat facts {};
    if (fstatat(here, entry, &facts, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT) note_failure(removal, entry, errno);
    } else if (S_ISDIR(facts.st_mode)) {
      remove_below(here, entry, depth + 1, removal);
    } else {
      remove_file(here, entry, facts, removal);
    }
  });
  if (unlinkat(parent, name, AT_REMOVEDIR) == 0) return true;
  // Something in it could not go: that was noted where it happened.
  if (errno != ENOTEMPTY && errno != EEXIST) note_failure(removal, name, errno);
  return false;
}

uint64_t bytes_below(int parent, const char* name, int depth) {
  const Folder folder = open_folder(parent, name);
  if (folder == nullptr || depth > kMostDepth) return 0;
  uint64_t bytes = 0;
  const int here = dirfd(folder.get());
  for_each_entry(folder.get(), [&](const char* entry) {
    struct stat facts {};
    if (fstatat(here, entry, &facts, AT_SYMLINK_NOFOLLOW) != 0) return;
    bytes += uint64_t(facts.st_blocks) * kBlockBytes;
    if (S_ISDIR(facts.st_mode)) bytes += bytes_below(here, entry, depth + 1);
  });
  return bytes;
}

}  // namespace

FolderRemoval remove_folder(const std::string& parent, const std::string& name) {
  FolderRemoval removal;
  const int folder = open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    note_failure(removal, name, errno);
    return removal;
  }
  removal.removed = remove_below(folder, name.c_str(), 0, removal);
  close(folder);
  return removal;
}

uint64_t folder_bytes(const std::string& folder) {
  // "/." so that the folder itself may be a link to another disk.
  return bytes_below(AT_FDCWD, (folder + "/.").c_str(), 0);
}

}  // namespace maie::server
