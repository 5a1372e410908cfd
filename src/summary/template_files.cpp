#include "summary/template_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>

#include "base/secret.h"

namespace maie::summary {
namespace {

constexpr size_t kMostBytes = 4 << 20;
constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return number_; }
  bool valid() const { return number_ >= 0; }

 private:
  int number_;
};

// A symbolic link where a template's folder or file is expected is as good as nothing there.
Status system_status(const std::string& what) {
  if (errno == ELOOP) return not_found(what + ": is a symbolic link, which is not followed");
  return errno_status(what, errno);
}

Descriptor open_folder(const std::string& path) {
  return Descriptor(::open(path.c_str(), kFolder));
}

Result<Descriptor> open_template(const std::string& root, const std::string& id) {
  const Descriptor folder = open_folder(root);
  if (!folder.valid()) return system_status(root);
  Descriptor inside(::openat(folder.get(), id.c_str(), kFolder | O_NOFOLLOW));
  if (!inside.valid()) return system_status(id);
  return inside;
}

FileStamp stamp_from(const struct stat& info) {
  return {true, int64_t(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec,
          int64_t(info.st_size), uint64_t(info.st_ino)};
}

Status write_all(int file, std::string_view content, const std::string& what) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno_status(what, errno);
    }
    content.remove_prefix(size_t(written));
  }
  // A full disk may only show when the pages are written out.
  return ::fsync(file) == 0 ? Status() : errno_status(what, errno);
}

Status write_new(int folder, const std::string& name, std::string_view content,
                 const std::string& what) {
  const Descriptor file(
      ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!file.valid()) return errno_status(what, errno);
  return write_all(file.get(), content, what);
}

// Removes the files of a folder, then the folder.
Status remove_folder(int parent, const std::string& name) {
  const int inside = ::openat(parent, name.c_str(), kFolder | O_NOFOLLOW);
  if (inside < 0) return system_status(name);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(inside), ::closedir);
  if (!listing) return errno_status(name, errno);
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string file = entry->d_name;
    if (file == "." || file == "..") continue;
    if (::unlinkat(inside, file.c_str(), 0) != 0) return errno_status(name + "/" + file, errno);
  }
  return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 ? Status() : errno_status(name, errno);
}

}  // namespace

bool is_template_id(std::string_view id) {
  return !id.empty() && id.size() <= 100 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

FileStamp stamp_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return stamp_from(info);
}

std::vector<std::string> TemplateFolder::ids() const {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(root_.c_str()), ::closedir);
  if (!listing) return names;
  while (const dirent* entry = ::readdir(listing.get())) {
    if (is_template_id(entry->d_name)) names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

FileStamp TemplateFolder::stamp(const std::string& id, const std::string& file) const {
  const auto folder = open_template(root_, id);
  struct stat info {};
  if (!folder || ::fstatat(folder->get(), file.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return {};
  return S_ISREG(info.st_mode) ? stamp_from(info) : FileStamp{};
}

Result<std::string> TemplateFolder::read(const std::string& id, const std::string& file) const {
  const std::string what = id + "/" + file;
  auto folder = open_template(root_, id);
  if (!folder) return folder.error();
  // O_NONBLOCK: a pipe of that name must not hold us up.
  const Descriptor opened(
      ::openat(folder->get(), file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!opened.valid()) return system_status(what);
  struct stat info {};
  if (::fstat(opened.get(), &info) != 0) return errno_status(what, errno);
  if (!S_ISREG(info.st_mode)) return invalid_input(what + ": is no regular file");
  std::string content;
  std::array<char, 1 << 16> block;
  while (true) {
    const ssize_t count = ::read(opened.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_status(what, errno);
    if (count == 0) return content;
    content.append(block.data(), size_t(count));
    if (content.size() > kMostBytes) {
      return invalid_input(what + ": is longer than the 4 MiB that a template's file may have");
    }
  }
}

Status TemplateFolder::create(const std::string& id, const TemplateFiles& files) const {
  std::error_code error;
  std::filesystem::create_directories(root_, error);
  const Descriptor root = open_folder(root_);
  if (!root.valid()) return system_status(root_);
  const std::string temporary = ".new-" + random_hex(8);
  if (::mkdirat(root.get(), temporary.c_str(), 0777) != 0) return errno_status(root_, errno);
  Status status;
  {
    const Descriptor folder(::openat(root.get(), temporary.c_str(), kFolder | O_NOFOLLOW));
    if (!folder.valid()) status = errno_status(id, errno);
    for (const auto& [name, content] : files) {
      if (status.ok()) status = write_new(folder.get(), name, content, id + "/" + name);
    }
  }
  // Renaming onto a folder with files in it fails, so an existing template is never replaced.
  if (status.ok() && ::renameat(root.get(), temporary.c_str(), root.get(), id.c_str()) != 0) {
    const bool exists = errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR;
    status = exists ? invalid_input("Template " + id + " already exists") : errno_status(id, errno);
  }
  if (status.ok()) {
    ::fsync(root.get());
  } else {
    (void)remove_folder(root.get(), temporary);
  }
  return status;
}

Status TemplateFolder::replace(const std::string& id, const std::string& file,
                               const std::optional<std::string>& content) const {
  const std::string what = id + "/" + file;
  auto folder = open_template(root_, id);
  if (!folder) return folder.error();
  if (!content) {
    if (::unlinkat(folder->get(), file.c_str(), 0) != 0 && errno != ENOENT) {
      return errno_status(what, errno);
    }
    return {};
  }
  const std::string temporary = ".new-" + random_hex(8);
  Status status = write_new(folder->get(), temporary, *content, what);
  if (status.ok() &&
      ::renameat(folder->get(), temporary.c_str(), folder->get(), file.c_str()) != 0) {
    status = errno_status(what, errno);
  }
  if (status.ok()) {
    ::fsync(folder->get());
  } else {
    ::unlinkat(folder->get(), temporary.c_str(), 0);
  }
  return status;
}

Status TemplateFolder::remove(const std::string& id) const {
  const Descriptor root = open_folder(root_);
  if (!root.valid()) return system_status(root_);
  // First out of sight in one step, so that no reader meets half a template.
  const std::string hidden = ".old-" + random_hex(8);
  struct stat info {};
  if (::fstatat(root.get(), id.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno_status(id, errno);
  }
  if (!S_ISDIR(info.st_mode)) return not_found(id + ": is no folder of a template");
  if (::renameat(root.get(), id.c_str(), root.get(), hidden.c_str()) != 0) {
    return errno_status(id, errno);
  }
  ::fsync(root.get());
  return remove_folder(root.get(), hidden);
}

}  // namespace maie::summary
