#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "base/digest.h"

namespace maie {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor() {
    if (number_ >= 0) ::close(number_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return number_; }
  bool valid() const { return number_ >= 0; }

 private:
  int number_;
};

Status write_all(int descriptor, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno_status(path, errno);
    }
    content.remove_prefix(size_t(written));
  }
  // A full disk may only show when the pages are written out, so ask before the rename.
  if (::fsync(descriptor) != 0) return errno_status(path, errno);
  return {};
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return errno_status(path, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return errno_status(path, errno);
  if (!S_ISREG(info.st_mode)) return invalid_input(path + ": not a regular file");
  std::span<const std::byte> bytes;
  if (info.st_size > 0) {
    void* start = ::mmap(nullptr, size_t(info.st_size), PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (start == MAP_FAILED) return errno_status(path, errno);
    bytes = {static_cast<const std::byte*>(start), size_t(info.st_size)};
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(path, bytes));
}

void MappedFile::release(std::span<const std::byte> part) const {
  const auto page = uintptr_t(::sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<uintptr_t>(part.data());
  const uintptr_t first = (start + page - 1) / page * page,
                  end = (start + part.size()) / page * page;
  // A hint: where it fails, the pages stay, and nothing else is different.
  if (first < end) (void)::madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) {
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
}

Result<std::string> read_file(const std::string& path, size_t limit_bytes) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return errno_status(path, errno);
  std::string content;
  std::array<char, 1 << 16> block;
  while (true) {
    const ssize_t count = ::read(file.get(), block.data(), block.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return errno_status(path, errno);
    }
    if (count == 0) return content;
    if (content.size() + size_t(count) > limit_bytes) {
      return invalid_input(path + ": longer than the " + std::to_string(limit_bytes) +
                           " bytes such a file may have");
    }
    content.append(block.data(), size_t(count));
  }
}

Status write_file_atomically(const std::string& path, std::string_view content) {
  std::string temporary = path + ".XXXXXX";
  const FileDescriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file.valid()) return errno_status(path, errno);
  // mkostemp makes the file private; give it what the user's umask allows.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  Status status;
  if (::fchmod(file.get(), 0666 & ~mask) != 0) status = errno_status(path, errno);
  if (status.ok()) status = write_all(file.get(), content, path);
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = errno_status(path, errno);
  }
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

Result<bool> create_private_file(const std::string& path, std::string_view content) {
  std::string temporary = path + ".XXXXXX";
  const FileDescriptor file(::mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
  if (!file.valid()) return errno_status(path, errno);
  Status status = write_all(file.get(), content, path);
  bool made = status.ok() && ::link(temporary.c_str(), path.c_str()) == 0;
  if (status.ok() && !made && (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS)) {
    // No links here (FAT): the gap between looking and renaming is as small as it can be.
    if (::access(path.c_str(), F_OK) != 0) {
      made = ::rename(temporary.c_str(), path.c_str()) == 0;
      if (!made) status = errno_status(path, errno);
    }
  } else if (status.ok() && !made && errno != EEXIST) {
    status = errno_status(path, errno);
  }
  ::unlink(temporary.c_str());
  if (!status.ok()) return status;
  return made;
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  Digest digest(Digest::Kind::kSha256);
  digest.add(bytes);
  return digest.hex();
}

std::string cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != 0) return std::string(cache) + "/maie";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != 0) return std::string(home) + "/.cache/maie";
  return {};
}

}  // namespace maie
